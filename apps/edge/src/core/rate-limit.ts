import {
  type ClientFrame,
  type Refusal,
  type RefusedFrame,
  refusal,
} from '@halley/shared/protocol';
import type { Clock } from './ports/clock.js';

export type FrameClass = 'publish' | 'subscribe' | 'read' | 'other';

/** A token bucket. */
export interface Rate {
  /** 0: no limit. */
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateLimits extends Readonly<Record<FrameClass, Rate>> {
  /** Refusals beyond which a peer is cut off; what it costs is more than it is worth. */
  readonly refusals: Rate;
}

const CLASSES: Readonly<Record<(ClientFrame | RefusedFrame)['type'], FrameClass>> = {
  publish: 'publish',
  subscribe: 'subscribe',
  unsubscribe: 'subscribe',
  history: 'read',
  members: 'read',
  auth: 'other',
  ack: 'other',
  ping: 'other',
  refused: 'other',
};

/**
 * How much one peer has used: of each bucket the moment, unix ms, at which it is full again (GCRA). Made
 * when it is first needed and dropped when all are full: an idle connection has none.
 */
export class Usage {
  publish = 0;
  subscribe = 0;
  read = 0;
  other = 0;
  refusals = 0;

  isOver(nowMs: number): boolean {
    return (
      this.publish <= nowMs &&
      this.subscribe <= nowMs &&
      this.read <= nowMs &&
      this.other <= nowMs &&
      this.refusals <= nowMs
    );
  }
}

/** What the peers of an edge may send. */
export class Rates {
  readonly #limits: RateLimits;
  readonly #clock: Clock;

  constructor(limits: RateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts a frame; what is none counts too. @returns why it is not to be carried out, or null */
  charge(usage: Usage, { type }: ClientFrame | RefusedFrame): Refusal | null {
    const name = CLASSES[type];
    const rate = this.#limits[name];
    const waitMs = take(usage, name, rate, this.#clock.now());
    if (waitMs === 0) return null;
    const text = `at most ${rate.perSecond} frames a second of this kind (${name})`;
    return { ...refusal('rate-limited', text), retryAfterMs: waitMs };
  }

  /** Counts a refusal. @returns true for a peer that goes on in spite of them */
  isFlood(usage: Usage): boolean {
    return take(usage, 'refusals', this.#limits.refusals, this.#clock.now()) > 0;
  }
}

/** Takes one out of a bucket. @returns 0, or after how many ms (whole) it may be tried again */
export function take(
  usage: Usage,
  name: FrameClass | 'refusals',
  { perSecond, burst }: Rate,
  nowMs: number,
): number {
  if (perSecond === 0) return 0;
  const intervalMs = 1_000 / perSecond;
  const depthMs = burst * intervalMs;
  // More than a bucket holds was never used: the clock was set back.
  if (usage[name] - nowMs > depthMs) usage[name] = nowMs + depthMs;
  const usedMs = Math.max(0, usage[name] - nowMs);
  const waitMs = usedMs + intervalMs - depthMs;
  // Less than rounding can make of it is no wait.
  if (waitMs > 1e-6) return Math.ceil(waitMs);
  usage[name] = nowMs + usedMs + intervalMs;
  return 0;
}
