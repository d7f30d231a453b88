/** Judges what Halley said about who is where. */

import type { Entry, FaultMark, PresenceSample } from '../history.js';

/** By then presence is true again after the last fault. */
export const PRESENCE_TRUE_AFTER_MS = 15_000;

export interface PresenceVerdict {
  readonly presenceChecked: number;
  /** Samples later than 15 s after the last fault that were wrong. */
  readonly presenceWrong: number;
  /** From the end of the last fault to the last wrong sample; 0 where all were right. */
  readonly presenceTrueMs: number;
  readonly wrong: readonly PresenceSample[];
}

/**
 * @param expectSweep dead edges are swept: a client is nowhere but where it is. Else one that lived on a
 *   killed edge may be named there too
 */
export function judgePresence(entries: readonly Entry[], expectSweep: boolean): PresenceVerdict {
  const ends = entries.filter(
    (entry): entry is FaultMark => entry.kind === 'fault' && entry.phase === 'end',
  );
  const lastMs = ends.at(-1)?.at ?? 0;
  const samples = entries.filter(
    (entry): entry is PresenceSample => entry.kind === 'presence' && entry.at >= lastMs,
  );
  const wrong = samples.filter((sample) => !isRight(sample, expectSweep));
  const late = wrong.filter(({ at }) => at - lastMs > PRESENCE_TRUE_AFTER_MS);
  return {
    presenceChecked: samples.length,
    presenceWrong: late.length,
    presenceTrueMs: Math.round((wrong.at(-1)?.at ?? lastMs) - lastMs),
    wrong: late,
  };
}

export function isRight(
  { expected, seen }: Pick<PresenceSample, 'expected' | 'seen'>,
  expectSweep: boolean,
): boolean {
  const hasAll = expected.every((edgeId) => seen.includes(edgeId));
  return hasAll && (!expectSweep || seen.every((edgeId) => expected.includes(edgeId)));
}
