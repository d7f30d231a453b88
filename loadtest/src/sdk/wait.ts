import { setTimeout as pause } from 'node:timers/promises';

const LOOK_INTERVAL_MS = 100;

/** Looks until `isDone`. @throws Error that says what did not come about */
export async function until(
  what: string,
  deadlineMs: number,
  isDone: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await isDone())) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(LOOK_INTERVAL_MS);
  }
}
