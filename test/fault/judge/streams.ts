/** Judges what each subscriber got of each stream. */

import { comparePositions } from '@halley/shared/protocol';
import { clientOfQueue, type Entry, type OfStream, type Stream } from '../history.js';
import type { Accepted, Ledger } from './ledger.js';
import { type StreamCounts, type StreamFinding, StreamWalk } from './stream-walk.js';

/** A private message reaches its client within this, or the client is told. */
const PRIVATE_DEADLINE_MS = 60_000;

interface Walked {
  readonly subscriber: string;
  readonly stream: Stream;
  readonly walk: StreamWalk;
}

export interface StreamVerdict extends StreamCounts {
  /** Private messages that came later than their minute. */
  privateLate: number;
  /** Who was told of how many, by subscriber and stream. */
  readonly toldOf: Record<string, number>;
  readonly findings: StreamFinding[];
}

export function judgeStreams(entries: readonly Entry[], ledger: Ledger): StreamVerdict {
  const left = new Set(entries.flatMap((one) => (one.kind === 'left' ? [one.subscriber] : [])));
  const walks = walksOf(entries, ledger);
  const verdict: StreamVerdict = {
    checked: 0,
    lost: 0,
    told: 0,
    doubled: 0,
    deduped: 0,
    outOfOrder: 0,
    strange: 0,
    falseRecovered: 0,
    falseUnrecovered: 0,
    needlessGaps: 0,
    privateLate: 0,
    toldOf: {},
    findings: [],
  };
  for (const { walk } of walks) {
    verdict.deduped += walk.deduped;
    for (const finding of walk.findings) add(verdict, finding);
  }
  for (const group of groupsOf(walks)) countMissing(group, ledger, left, verdict);
  return verdict;
}

function add(verdict: StreamVerdict, finding: StreamFinding): void {
  verdict[finding.what] += 1;
  verdict.findings.push(finding);
}

function walksOf(entries: readonly Entry[], ledger: Ledger): Walked[] {
  const stories = new Map<string, OfStream[]>();
  for (const entry of entries) {
    if (entry.kind !== 'subscribed' && entry.kind !== 'received' && entry.kind !== 'gap') continue;
    const key = JSON.stringify([entry.subscriber, entry.stream]);
    const story = stories.get(key);
    if (story === undefined) stories.set(key, [entry]);
    else story.push(entry);
  }
  return [...stories].map(([key, story]) => {
    const [subscriber, stream] = JSON.parse(key) as [string, Stream];
    return { subscriber, stream, walk: new StreamWalk(story, ledger) };
  });
}

/** A private message has to come to one of the client's connections: they count as one. */
function groupsOf(walks: readonly Walked[]): Walked[][] {
  const groups = new Map<string, Walked[]>();
  for (const walked of walks) {
    const isQueue = clientOfQueue(walked.stream) !== null;
    const key = isQueue ? walked.stream : JSON.stringify([walked.subscriber, walked.stream]);
    groups.set(key, [...(groups.get(key) ?? []), walked]);
  }
  return [...groups.values()];
}

function countMissing(
  group: readonly Walked[],
  ledger: Ledger,
  left: ReadonlySet<string>,
  verdict: StreamVerdict,
): void {
  const [sample] = group;
  if (sample === undefined) return;
  for (const message of expectedBy(group, ledger, left)) {
    verdict.checked += 1;
    const came = group.flatMap(({ walk }) => {
      const index = walk.first.get(message.id);
      return index === undefined ? [] : [(walk.story[index] as OfStream).at];
    });
    if (came.length > 0) checkTime(sample, message, Math.min(...came), verdict);
    else if (group.some(({ walk }) => walk.wasTold(message.id))) {
      const who = `${sample.subscriber} ${sample.stream}`;
      verdict.told += 1;
      verdict.toldOf[who] = (verdict.toldOf[who] ?? 0) + 1;
    } else {
      const { subscriber, stream } = sample;
      const detail = `${message.number} as ${message.id}`;
      add(verdict, { what: 'lost', subscriber, stream, at: message.at, detail });
    }
  }
}

function checkTime(
  { stream }: Walked,
  message: Accepted,
  at: number,
  verdict: StreamVerdict,
): void {
  if (clientOfQueue(stream) === null) return;
  if (at - message.at > PRIVATE_DEADLINE_MS) verdict.privateLate += 1;
}

/** Who left for good has to have what was before the last that it got. */
function expectedBy(
  group: readonly Walked[],
  ledger: Ledger,
  left: ReadonlySet<string>,
): readonly Accepted[] {
  const starts = group.flatMap(({ walk }) => walk.start ?? []).sort(comparePositions);
  const [start] = starts;
  const [sample] = group;
  if (start === undefined || sample === undefined) return [];
  const newest = group.map(({ walk }) => walk.newest).sort(comparePositions);
  const hasLeft = group.every(({ subscriber }) => left.has(subscriber));
  return ledger.between(sample.stream, start, hasLeft ? (newest.at(-1) ?? start) : null);
}
