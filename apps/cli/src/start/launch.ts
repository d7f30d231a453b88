/** What a supervised program says of itself, and how a program of this repository is run. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EDGE_NODE_FLAGS } from '@halley/shared/config';

/** The program serves; `port` is the real one where the setting was 0. */
export interface Ready {
  readonly port: number;
  readonly adminPort?: number;
}

export interface Reports {
  ready(ready: Ready): void;
  /** A restart would end the same way: `line` tells the operator why. */
  fatal(line: string): void;
}

/** Starts the process once; called anew for each restart. */
export type Launch = (reports: Reports) => ChildProcess;

const NODE_FLAGS = { edge: EDGE_NODE_FLAGS, api: [] };

type App = keyof typeof NODE_FLAGS;

/** An app in a session of its own, so that a Ctrl-C of the terminal reaches the supervisor alone. */
export function appLaunch(app: App, env: NodeJS.ProcessEnv): Launch {
  const main = fileURLToPath(import.meta.resolve(`@halley/${app}/dist/main.js`));
  return (reports) => {
    const child = fork(main, {
      env,
      // Those of this process come last: what the operator says wins.
      execArgv: [...NODE_FLAGS[app], ...process.execArgv],
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.on('message', (message: unknown) => forward(message, reports));
    return child;
  };
}

function forward(message: unknown, reports: Reports): void {
  if (typeof message !== 'object' || message === null) return;
  const { ready, port, adminPort, fatal } = message as Record<string, unknown>;
  if (typeof fatal === 'string') reports.fatal(fatal);
  if (ready !== true || typeof port !== 'number') return;
  reports.ready(typeof adminPort === 'number' ? { port, adminPort } : { port });
}
