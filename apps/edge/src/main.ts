import { loadSettings, SettingsError } from '@halley/shared/config';
import { exit, onSignals, reportFatal, reportReady } from '@halley/shared/ops';
import { type RunningEdge, startEdge } from './app.js';

let edge: RunningEdge | null = null;

// Before the start: a start that waits for Redis must end with its parent, too.
onSignals((reason) => {
  if (edge === null) return void exit(0);
  // Without the supervisor nobody would end a drain that hangs, and its Redis may be gone already.
  edge.stop(reason === 'parent-gone' ? 0 : undefined).then(
    () => exit(0),
    () => exit(1),
  );
});

try {
  edge = await startEdge(loadSettings(process.env));
  reportReady({ port: edge.port, adminPort: edge.adminPort });
} catch (error) {
  reportFatal(
    error instanceof SettingsError ? error.problems.join('\n') : `edge: ${String(error)}`,
  );
}
