/** What the reports of a crowd say about the storm after an edge came back. */

import type { CoresUsed } from '../sdk/cpu-watch.js';
import type { CrowdReport } from '../sdk/crowd-report.js';
import { refuseFaults, type Tally } from '../sdk/sequence.js';
import { type FigureResult, type FigureRow, milliseconds } from './figure.js';

const BUCKET_MS = 100;
const SHARES = { first: 0, '5 %': 0.05, median: 0.5, '95 %': 0.95, last: 1 };

/** By the machine's monotonic clock. */
export interface Times {
  readonly killedMs: number;
  readonly listeningMs: number;
  /** From the kill until all were back. */
  readonly cores: CoresUsed;
}

export interface Run extends Times {
  readonly clients: number;
  /** The last number of every channel. */
  readonly last: number;
}

/** @throws Error if a message was lost, repeated or reordered */
export function resultOf(run: Run, reports: readonly CrowdReport[]): FigureResult {
  const tally = tallyOf(run, reports);
  refuseFaults('reconnect', tally);
  const times = timesOf(run, reports);
  const transports = transportsOf(reports);
  const reconnects = total(reports, (report) => report.reconnects);
  return {
    rows: [
      { what: 'clients', value: String(run.clients) },
      ...timeRows(run, times),
      { what: 'cores used meanwhile', value: coresText(run.cores) },
      { what: 'reconnects', value: String(reconnects) },
      { what: 'transports', value: JSON.stringify(transports) },
      { what: 'messages to each client', value: String(run.last) },
      { what: 'messages received', value: tally.received.toLocaleString('en-US') },
      {
        what: 'lost, repeated, reordered',
        value: `${tally.lost}, ${tally.repeated}, ${tally.reordered}`,
      },
    ],
    detail: { ...run, ...times, transports, reconnects, ...tally },
  };
}

function tallyOf({ clients, last }: Run, reports: readonly CrowdReport[]): Tally {
  const notYet = clients * last - total(reports, ({ through }) => through);
  return {
    received: total(reports, ({ received }) => received),
    lost: total(reports, ({ holes }) => holes) + notYet,
    repeated: total(reports, ({ repeated }) => repeated),
    reordered: total(reports, ({ reordered }) => reordered),
    gaps: total(reports, ({ gaps }) => gaps),
  };
}

/** In ms since the edge listened again, ascending. */
interface SortedTimes {
  readonly awayMs: number;
  readonly arrivals: readonly number[];
  readonly welcomes: readonly number[];
  readonly attempts: readonly number[];
}

function timesOf({ killedMs, listeningMs }: Run, reports: readonly CrowdReport[]): SortedTimes {
  const all = (of: (report: CrowdReport) => readonly number[]) =>
    reports.flatMap(of).sort((a, b) => a - b);
  const arrivals = all(({ arrivalsMs }) => arrivalsMs);
  // On a busy machine a client may get through before the bench sees that it can.
  const beginMs = Math.min(listeningMs, arrivals[0] ?? listeningMs);
  const since = (timesMs: readonly number[]) => timesMs.map((atMs) => atMs - beginMs);
  return {
    awayMs: beginMs - killedMs,
    arrivals: since(arrivals),
    welcomes: since(all(({ welcomesMs }) => welcomesMs)),
    attempts: since(all(({ attemptsMs }) => attemptsMs)),
  };
}

function timeRows({ clients }: Run, times: SortedTimes): FigureRow[] {
  const { awayMs, arrivals, welcomes, attempts } = times;
  const connects = attempts.filter((atMs) => atMs >= 0);
  const sinceKill = arrivals.map((atMs) => atMs + awayMs);
  return [
    { what: 'edge away, kill to listening', value: milliseconds(awayMs) },
    { what: `arrivals: ${Object.keys(SHARES).join(', ')}`, value: '' },
    { what: '  since it listens again', value: spread(arrivals) },
    { what: '  since the kill', value: spread(sinceKill) },
    { what: '  welcomes since it listens again', value: spread(welcomes) },
    { what: `connects in ${BUCKET_MS} ms, at most`, value: String(densest(connects)) },
    { what: 'connects without a welcome', value: String(connects.length - clients) },
    { what: 'attempts while it was away', value: String(attempts.length - connects.length) },
  ];
}

function spread(sorted: readonly number[]): string {
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return Object.values(SHARES)
    .map((share) => milliseconds(at(share)))
    .join(', ');
}

/** The most of them that lie within one bucket, wherever it begins. */
function densest(sorted: readonly number[]): number {
  let most = 0;
  let begin = 0;
  for (const [end, atMs] of sorted.entries()) {
    while (atMs - (sorted[begin] ?? atMs) >= BUCKET_MS) begin += 1;
    most = Math.max(most, end - begin + 1);
  }
  return most;
}

function coresText(cores: CoresUsed): string {
  const parts = Object.entries(cores).map(([name, used]) => `${name} ${used.toFixed(2)}`);
  return parts.join(', ');
}

function transportsOf(reports: readonly CrowdReport[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, count] of reports.flatMap((report) => Object.entries(report.transports))) {
    counts[name] = (counts[name] ?? 0) + count;
  }
  return counts;
}

function total(reports: readonly CrowdReport[], of: (report: CrowdReport) => number): number {
  return reports.reduce((sum, report) => sum + of(report), 0);
}
