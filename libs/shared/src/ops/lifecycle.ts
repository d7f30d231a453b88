/**
 * How a process of the fleet talks to whoever started it. Under the supervisor that is Node's IPC
 * channel; started by hand there is none, and stderr and the exit code speak.
 */

import { endLog } from './logger.js';

/** `EX_CONFIG` of sysexits.h: starting again would fail in the same way, so nobody should try. */
export const EXIT_CONFIG = 78;

export interface ReadyReport {
  readonly port: number;
  readonly adminPort?: number;
}

export type StopReason = 'SIGTERM' | 'SIGINT' | 'parent-gone';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Calls `handler` once, at the first SIGTERM or SIGINT or when the parent is gone. Later ones are
 * swallowed: a Ctrl-C reaches the whole process group, so a child hears of it twice, by the terminal
 * and by its supervisor, and the second must not cut the drain short.
 */
export function onSignals(handler: (reason: StopReason) => void): void {
  let isStopping = false;
  const stop = (reason: StopReason): void => {
    if (isStopping) return;
    isStopping = true;
    handler(reason);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => stop(signal));
  if (process.send === undefined) return;
  process.on('disconnect', () => stop('parent-gone'));
  // Listening keeps the channel open, and an open channel would keep a finished process alive.
  process.channel?.unref();
  if (!process.connected) stop('parent-gone');
}

/** Tells the parent that this process serves. */
export function reportReady(report: ReadyReport): void {
  process.send?.({ ready: true, ...report }, ignoreClosedChannel);
}

/** Says in one line why this process cannot start, and exits with 78. */
export function reportFatal(line: string): void {
  const oneLine = line.replace(/\s*\n\s*/g, '; ');
  if (process.send === undefined) {
    process.stderr.write(`${oneLine}\n`);
    void exit(EXIT_CONFIG);
    return;
  }
  // The message is only on its way when its callback runs; an exit before that loses it.
  process.send({ fatal: oneLine }, () => void exit(EXIT_CONFIG));
}

/** Ends this process once its log is written. */
export async function exit(code: number): Promise<never> {
  await endLog();
  process.exit(code);
}

/** A parent that died in between is heard of by `disconnect`; without a callback it would throw. */
function ignoreClosedChannel(): void {}
