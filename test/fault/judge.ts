/** The judge: a history, and what Redis has lost by itself, in; what went wrong out. Pure. */

import type { Entry, FaultMark } from './history.js';
import { delaysOf, type FaultDelays } from './judge/delays.js';
import { Ledger, type Losses } from './judge/ledger.js';
import { judgePresence, type PresenceVerdict } from './judge/presence.js';
import type { StreamFinding } from './judge/stream-walk.js';
import { judgeStreams, type StreamVerdict } from './judge/streams.js';

/** After the end of a fault its traces may last so long. */
const SETTLE_MS = 15_000;
/** Of what went wrong, as text for a failure. */
const SHOWN_MAX = 20;

export interface Verdict extends Omit<StreamVerdict, 'findings'>, Omit<PresenceVerdict, 'wrong'> {
  readonly faults: number;
  readonly accepted: number;
  readonly unknown: number;
  readonly refused: number;
  /** Accepted messages that Redis lost. */
  readonly lostByRedis: number;
  /** Those of them that nobody may have been able to get. */
  readonly takenOffTheBooks: number;
  readonly reconnects: number;
  /** `recovered: false` and `gap` without need and without a fault of Redis before. */
  readonly needlessAlarms: number;
  readonly delays: readonly FaultDelays[];
  /** What is wrong, for people. */
  readonly findings: readonly string[];
}

export interface Evidence {
  readonly entries: readonly Entry[];
  readonly losses: Losses;
  /** Subscribers that get messages all the time. */
  readonly steady: ReadonlySet<string>;
}

export function judge({ entries, losses, steady }: Evidence): Verdict {
  const ledger = new Ledger(entries, losses);
  const { findings, ...streams } = judgeStreams(entries, ledger);
  const { wrong, ...presence } = judgePresence(entries);
  const needless = findings.filter((finding) => isNeedlessAlarm(finding, entries));
  const errors = findings.filter((finding) => !isAlarm(finding) || needless.includes(finding));
  return {
    faults: entries.filter((entry) => entry.kind === 'fault' && entry.phase === 'begin').length,
    ...ledger.counts,
    lostByRedis: losses.lost.size,
    takenOffTheBooks: losses.neverHeld.size,
    ...streams,
    needlessAlarms: needless.length,
    ...presence,
    reconnects: Math.max(0, countOf(entries, 'connected') - new Set(subscribersOf(entries)).size),
    delays: delaysOf(entries, ledger, steady),
    findings: [
      ...errors.map(({ what, subscriber, stream, detail }) => {
        return `${what}: ${subscriber}, ${stream}: ${detail}`;
      }),
      ...wrong.map(({ of, expected, seen }) => `presence of ${of}: [${seen}], not [${expected}]`),
    ].slice(0, SHOWN_MAX),
  };
}

/** What must be 0 in every run. */
export function errorsOf(verdict: Verdict) {
  const { lost, doubled, outOfOrder, strange, falseRecovered, needlessAlarms } = verdict;
  const { privateLate, presenceWrong } = verdict;
  return {
    lost,
    doubled,
    outOfOrder,
    strange,
    falseRecovered,
    needlessAlarms,
    privateLate,
    presenceWrong,
  };
}

export const NO_ERRORS: ReturnType<typeof errorsOf> = {
  lost: 0,
  doubled: 0,
  outOfOrder: 0,
  strange: 0,
  falseRecovered: 0,
  needlessAlarms: 0,
  privateLate: 0,
  presenceWrong: 0,
};

function isAlarm({ what }: StreamFinding): boolean {
  return what === 'falseUnrecovered' || what === 'needlessGaps';
}

/** In doubt an edge says that something is missing; without a fault of Redis there is no doubt. */
function isNeedlessAlarm(finding: StreamFinding, entries: readonly Entry[]): boolean {
  if (!isAlarm(finding)) return false;
  const marks = entries.filter((entry): entry is FaultMark => entry.kind === 'fault');
  return !marks.some(({ at, isOutsideRedis }, index) => {
    if (isOutsideRedis || at > finding.at) return false;
    const mark = marks[index] as FaultMark;
    return mark.phase === 'begin'
      ? !hasEnded(marks, index, finding.at)
      : finding.at - at < SETTLE_MS;
  });
}

function hasEnded(marks: readonly FaultMark[], begin: number, at: number): boolean {
  const end = marks.find(({ phase }, index) => index > begin && phase === 'end');
  return end !== undefined && end.at <= at;
}

function countOf(entries: readonly Entry[], kind: Entry['kind']): number {
  return entries.filter((entry) => entry.kind === kind).length;
}

function subscribersOf(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'connected' ? [entry.subscriber] : []));
}
