/** A process full of SDK clients; it answers questions over IPC. */

import { CrowdClient } from './crowd-client.js';
import {
  type CrowdOptions,
  type CrowdReport,
  type CrowdStatus,
  REPORT_QUESTION,
  STATUS_QUESTION,
} from './crowd-report.js';

/** Subscribing at once: the start is not what is measured. */
const STARTS_MAX = 50;
/** The first ones say what is wrong. */
const ERRORS_MAX = 5;

const { url, channels } = JSON.parse(process.argv[2] ?? '') as CrowdOptions;
const errors: string[] = [];
const clients: CrowdClient[] = [];
let subscribed = 0;

function noteError(text: string): void {
  if (errors.length < ERRORS_MAX) errors.push(text);
}

async function startClients(waiting: Iterator<string>): Promise<void> {
  for (let next = waiting.next(); !next.done; next = waiting.next()) {
    const client = new CrowdClient(url, noteError);
    clients.push(client);
    await client.start(next.value);
    subscribed += 1;
  }
}

function status(): CrowdStatus {
  const through = clients.reduce(
    (lowest, { sequence }) => Math.min(lowest, sequence.through),
    Number.MAX_SAFE_INTEGER,
  );
  const returned = clients.filter((client) => client.returned !== null).length;
  return { subscribed, returned, through, errors };
}

function report(): CrowdReport {
  const returns = clients.flatMap(({ returned }) => returned ?? []);
  const sum = (of: (client: CrowdClient) => number) =>
    clients.reduce((total, client) => total + of(client), 0);
  const transports: Record<string, number> = {};
  for (const { transport } of clients) transports[transport] = (transports[transport] ?? 0) + 1;
  return {
    attemptsMs: clients.flatMap(({ attemptsMs }) => attemptsMs),
    arrivalsMs: returns.map(({ arrivedMs }) => arrivedMs),
    welcomesMs: returns.map(({ welcomeMs }) => welcomeMs),
    transports,
    reconnects: sum(({ reconnects }) => reconnects),
    received: sum(({ sequence }) => sequence.received),
    holes: sum(({ sequence }) => sequence.holes),
    through: sum(({ sequence }) => sequence.through),
    repeated: sum(({ sequence }) => sequence.repeated),
    reordered: sum(({ sequence }) => sequence.reordered),
    gaps: sum(({ gaps }) => gaps),
  };
}

process.on('message', (question) => {
  if (question === STATUS_QUESTION) process.send?.(status());
  if (question === REPORT_QUESTION) process.send?.(report());
});
// The end of the bench is the end of its load.
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true, port: 0 });
const waiting = channels[Symbol.iterator]();
const starters = Array.from({ length: STARTS_MAX }, () => startClients(waiting));
Promise.all(starters).catch((error: unknown) => noteError(String(error)));
