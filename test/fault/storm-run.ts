import { setTimeout as pause } from 'node:timers/promises';
import { channelKeys } from '@halley/shared/redis';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { startPrivateRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import { openSlowLink } from '../kit/slow-link.js';
import { OPEN } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';
import { rssMb, Storm } from './storm.js';

const DELAY_MS = 100;
/** With 200 ms for an answer from Redis, 250 messages a second. */
const PENDING_MAX = 50;
const CHANNEL = 'open:storm';
const ACCEPT_DEADLINE_MS = 20_000;

export interface StormResult {
  readonly accepted: readonly string[];
  readonly received: readonly string[];
  readonly refused: number;
  readonly hopeless: number;
  readonly others: Readonly<Record<string, number>>;
  /** Accepted a second: before, at the end of the fault, after. */
  readonly rates: readonly [before: number, during: number, after: number];
  /** Until, after the fault, twice as many messages were accepted as there are publishers. */
  readonly recoveryMs: number;
  /** Of the api and the edge: before, at the end of the fault, after. */
  readonly apiMb: readonly number[];
  readonly edgeMb: readonly number[];
  readonly stored: number;
}

/** A storm over a fleet whose Redis answers late for a while. @param stormMs how long it does */
export async function runStorm(stormMs: number, publishers: number): Promise<StormResult> {
  const redis = await startPrivateRedis();
  const link = await openSlowLink(redis.url);
  let fleet: Fleet | undefined;
  let storm: Storm | undefined;
  try {
    fleet = await startFleet({
      redisUrl: link.url,
      config: { namespaces: { open: { ...OPEN, historySize: 100 } } },
      apiEnv: { HALLEY_PUBLISH_MAX_PENDING: String(PENDING_MAX) },
    });
    const reader = await connect(fleet.edge().wsUrl);
    await reader.subscribe(CHANNEL);
    storm = new Storm({
      rest: new RestClient(fleet.api().url),
      channel: CHANNEL,
      publishers,
    });
    const pids = [fleet.api(), fleet.edge()].map(({ process: child }) => child.pid ?? 0);
    const memory: number[][] = [];
    const look = () => memory.push(pids.map(rssMb));

    storm.start();
    await acceptsMore(storm, 5 * publishers);
    const before = storm.rate();
    look();
    link.delayMs = DELAY_MS;
    await pause(stormMs);
    const during = storm.rate();
    look();
    link.delayMs = 0;
    const overAtMs = performance.now();
    await acceptsMore(storm, 2 * publishers);
    const recoveryMs = Math.round(performance.now() - overAtMs);
    await pause(stormMs / 3);
    const after = storm.rate();
    look();
    await storm.stop();
    const { accepted, refused, hopeless, others } = storm;
    await eventually(() => reader.messages(CHANNEL).length >= accepted.length, 'all have arrived');
    const log = (await redis.client.xinfo('STREAM', channelKeys(CHANNEL).log)) as unknown[];
    return {
      accepted,
      received: reader.messages(CHANNEL).map(({ id }) => id),
      refused,
      hopeless,
      others: Object.fromEntries(others),
      rates: [before, during, after],
      recoveryMs,
      apiMb: memory.map(([api = 0]) => api),
      edgeMb: memory.map(([, edge = 0]) => edge),
      stored: Number(log[log.indexOf('entries-added') + 1]),
    };
  } finally {
    storm?.abandon();
    await fleet?.stop();
    await link.stop();
    await redis.stop();
  }
}

async function acceptsMore(storm: Storm, count: number): Promise<void> {
  const goal = storm.accepted.length + count;
  const what = `${count} more are accepted`;
  await eventually(() => storm.accepted.length >= goal, what, ACCEPT_DEADLINE_MS);
}

export function summaryOf(result: StormResult): string {
  const { accepted, received, refused, others, rates, recoveryMs, apiMb, edgeMb } = result;
  const kinds = JSON.stringify(others);
  return [
    `retry storm: ${accepted.length} accepted, ${received.length} received, ${refused} refused by 429, others ${kinds}`,
    `accepted a second before, during, after: ${rates.join(', ')}; recovered in ${recoveryMs} ms`,
    `memory of the api ${apiMb.join(', ')} MB, of the edge ${edgeMb.join(', ')} MB`,
    '',
  ].join('\n');
}
