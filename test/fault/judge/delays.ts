/** How long messages took, and how long subscribers heard nothing, fault by fault. */

import type { Entry, FaultMark, Received } from '../history.js';
import type { Ledger } from './ledger.js';

export interface FaultDelays {
  readonly fault: string;
  readonly lengthMs: number;
  /** From the answer to a publish to the receipt. */
  readonly longestDeliveryMs: number;
  /** Between two messages of one subscriber that gets them all the time. */
  readonly longestSilenceMs: number;
}

/** @param steady subscribers that get messages all the time */
export function delaysOf(
  entries: readonly Entry[],
  ledger: Ledger,
  steady: ReadonlySet<string>,
): FaultDelays[] {
  const marks = entries.filter((entry): entry is FaultMark => entry.kind === 'fault');
  const begins = marks.filter(({ phase }) => phase === 'begin');
  const begun = beginningsOf(entries);
  const received = entries.filter((entry): entry is Received => entry.kind === 'received');
  return begins.map((begin, index) => {
    const untilMs = begins[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const end = marks.find(({ phase, at, name }) => {
      return phase === 'end' && name === begin.name && at >= begin.at;
    });
    const inside = received.filter(({ at }) => at >= begin.at && at < untilMs);
    return {
      fault: begin.name,
      lengthMs: Math.round((end?.at ?? begin.at) - begin.at),
      longestDeliveryMs: longestDelivery(inside, ledger, begun),
      longestSilenceMs: longestSilence(inside, begin.at, steady),
    };
  });
}

/** When each subscriber began with each stream: what is older may be replayed, but was not waited for. */
function beginningsOf(entries: readonly Entry[]): Map<string, number> {
  const begun = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind !== 'subscribed') continue;
    const key = `${entry.subscriber} ${entry.stream}`;
    if (!begun.has(key)) begun.set(key, entry.at);
  }
  return begun;
}

/** A replay may bring what was received before: only the first receipt of a subscriber counts. */
function longestDelivery(
  received: readonly Received[],
  ledger: Ledger,
  begun: ReadonlyMap<string, number>,
): number {
  const seen = new Set<string>();
  let longestMs = 0;
  for (const { subscriber, stream, number, at } of received) {
    const key = `${subscriber} ${stream} ${number}`;
    const publication = ledger.publication(number);
    const sinceMs = begun.get(`${subscriber} ${stream}`) ?? 0;
    if (publication === undefined || publication.at < sinceMs || seen.has(key)) continue;
    seen.add(key);
    longestMs = Math.max(longestMs, at - publication.at);
  }
  return Math.round(longestMs);
}

function longestSilence(
  received: readonly Received[],
  fromMs: number,
  steady: ReadonlySet<string>,
): number {
  const lastMs = new Map([...steady].map((subscriber) => [subscriber, fromMs]));
  let longestMs = 0;
  for (const { subscriber, at } of received) {
    const before = lastMs.get(subscriber);
    if (before === undefined) continue;
    longestMs = Math.max(longestMs, at - before);
    lastMs.set(subscriber, at);
  }
  return Math.round(longestMs);
}
