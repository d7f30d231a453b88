import { loadSettings, SettingsError } from '@halley/shared/config';
import { onSignals, reportFatal, reportReady } from '@halley/shared/ops';
import { startEdge } from './app.js';

try {
  const edge = await startEdge(loadSettings(process.env));
  onSignals(() => {
    void edge.stop().then(() => process.exit(0));
  });
  reportReady({ port: edge.port, adminPort: edge.adminPort });
} catch (error) {
  reportFatal(
    error instanceof SettingsError ? error.problems.join('\n') : `edge: ${String(error)}`,
  );
}
