/** What all clients together have seen. */

import type { Fault, NativeCrowdStatus } from '../harness/native-crowd.js';

export type Totals = Omit<NativeCrowdStatus, 'privateUs'>;

const TEXTS_MAX = 3;

export function totalsOf(statuses: readonly NativeCrowdStatus[]): Totals {
  const sum = (key: SummedKey) => statuses.reduce((total, status) => total + status[key], 0);
  const firsts = statuses.map((it) => it.firstMessageUs).filter((us) => us > 0);
  return {
    ready: sum('ready'),
    opening: sum('opening'),
    failed: sum('failed'),
    through: sum('through'),
    messages: sum('messages'),
    privates: sum('privates'),
    resumed: sum('resumed'),
    moved: sum('moved'),
    cut: sum('cut'),
    pings: sum('pings'),
    readyUs: latest(statuses.map((it) => it.readyUs)),
    firstMessageUs: firsts.length === 0 ? 0 : firsts.reduce((a, b) => Math.min(a, b)),
    lastMessageUs: latest(statuses.map((it) => it.lastMessageUs)),
    faults: joinFaults(statuses.map((it) => it.faults)),
  };
}

type SummedKey = Exclude<keyof Totals, 'readyUs' | 'firstMessageUs' | 'lastMessageUs' | 'faults'>;

function latest(times: readonly number[]): number {
  return times.reduce((a, b) => Math.max(a, b), 0);
}

function joinFaults(all: readonly Totals['faults'][]): Record<string, Fault> {
  const joined: Record<string, Fault> = {};
  for (const faults of all) {
    for (const [kind, { count, texts }] of Object.entries(faults)) {
      const before = joined[kind] ?? { count: 0, texts: [] };
      const shown = [...before.texts, ...texts].slice(0, TEXTS_MAX);
      joined[kind] = { count: before.count + count, texts: shown };
    }
  }
  return joined;
}

/** A line for each kind; empty if all is well. */
export function faultLines(faults: Totals['faults']): string[] {
  return Object.entries(faults).map(
    ([kind, { count, texts }]) => `${kind}: ${count.toLocaleString('en-US')} (${texts.join('; ')})`,
  );
}
