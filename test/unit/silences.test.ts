import { LOOK_MAX_MS, LOOKS_MAX_GAP_MS, Silences } from '@halley/api/dist/jobs/silence.js';
import { describe, expect, it } from 'vitest';

const DEAD_MS = 10_000;
const LOOK_MS = 1_000;
const ANSWER_MS = 5;

/** An observer with a clock of its own. */
class Observer {
  readonly silences = new Silences(DEAD_MS);
  nowMs = 5_000;

  /** @returns the edges found dead */
  look(beats: Readonly<Record<string, string>>, answerMs = ANSWER_MS): string[] {
    const startedMs = this.nowMs;
    this.nowMs += Math.max(LOOK_MS, answerMs);
    const dead = this.silences.looked(
      startedMs,
      startedMs + answerMs,
      new Map(Object.entries(beats)),
    );
    return dead.map(({ edgeId }) => edgeId);
  }

  /** Looks of which each finds the same. @returns what the last of them found */
  lookTimes(times: number, beats: Readonly<Record<string, string>>): string[] {
    let dead: string[] = [];
    for (let left = times; left > 0; left -= 1) dead = this.look(beats);
    return dead;
  }
}

describe('who is dead', () => {
  it('is an edge whose heartbeat did not advance for as long as that takes, and nobody sooner', () => {
    const observer = new Observer();
    const dead = Array.from({ length: 13 }, (_, at) =>
      observer.look({ silent: '1', beating: String(Math.floor(at / 2)) }),
    );
    const first = dead.findIndex((some) => some.length > 0);
    // The first look ends a little later than it begins.
    expect(first).toBe(DEAD_MS / LOOK_MS + 1);
    expect(dead.slice(first)).toEqual([['silent'], ['silent']]);
  });

  it('is not an edge whose heartbeat goes back: that is a Redis with older data', () => {
    const observer = new Observer();
    observer.lookTimes(9, { edge: '9' });
    expect(observer.lookTimes(9, { edge: '3' })).toEqual([]);
    expect(observer.lookTimes(3, { edge: '3' })).toEqual(['edge']);
  });

  it('is not an edge that left and is there again', () => {
    const observer = new Observer();
    observer.lookTimes(9, { edge: '9' });
    observer.look({});
    expect(observer.lookTimes(9, { edge: '9' })).toEqual([]);
  });

  it.each<[string, (observer: Observer) => void]>([
    ['a look failed', ({ silences }) => silences.missed()],
    ['a look was slow', (observer) => void observer.look({ edge: '1' }, LOOK_MAX_MS + 1)],
    [
      'the observer was stopped',
      (observer) => {
        observer.nowMs += LOOKS_MAX_GAP_MS;
      },
    ],
  ])('is counted from the start when %s', (_, disturb) => {
    const observer = new Observer();
    observer.lookTimes(11, { edge: '1' });
    disturb(observer);
    expect(observer.lookTimes(10, { edge: '1' })).toEqual([]);
    expect(observer.lookTimes(2, { edge: '1' })).toEqual(['edge']);
  });

  it('is not judged from one look and a late one: the pause between them proves nothing', () => {
    const observer = new Observer();
    for (let round = 0; round < 20; round += 1) {
      expect(observer.look({ edge: '1' })).toEqual([]);
      observer.nowMs += LOOKS_MAX_GAP_MS;
    }
  });
});
