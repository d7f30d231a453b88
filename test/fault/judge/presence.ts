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

export function judgePresence(entries: readonly Entry[]): PresenceVerdict {
  const ends = entries.filter(
    (entry): entry is FaultMark => entry.kind === 'fault' && entry.phase === 'end',
  );
  const lastMs = ends.at(-1)?.at ?? 0;
  const samples = entries.filter(
    (entry): entry is PresenceSample => entry.kind === 'presence' && entry.at >= lastMs,
  );
  const wrong = samples.filter((sample) => !isRight(sample));
  const late = wrong.filter(({ at }) => at - lastMs > PRESENCE_TRUE_AFTER_MS);
  return {
    presenceChecked: samples.length,
    presenceWrong: late.length,
    presenceTrueMs: Math.round((wrong.at(-1)?.at ?? lastMs) - lastMs),
    wrong: late,
  };
}

export function isRight({ expected, seen }: Pick<PresenceSample, 'expected' | 'seen'>): boolean {
  return JSON.stringify([...expected].sort()) === JSON.stringify([...seen].sort());
}
