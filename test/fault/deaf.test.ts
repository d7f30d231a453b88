/** Connections for live messages that stay open and deliver nothing. */

import { HEARTBEAT_TTL_MS, heartbeatKey } from '@halley/shared/redis';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { readPresence } from '../kit/icomet-backend.js';
import { connect } from '../kit/native-client.js';
import type { FaultyRedis } from '../kit/redis.js';
import { startFaultyRedis } from '../kit/redis-engine.js';
import { counterOf } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';
import { RedisLink } from './redis-link.js';

const PROBE_INTERVAL_MS = 2_000;
/** A probe goes every 2 s and is missed after 4 to 6; a loaded machine gets more. */
const FOUND_DEADLINE_MS = 35_000;

let redis: FaultyRedis;
let link: RedisLink;
let fleet: Fleet;

beforeAll(async () => {
  redis = await startFaultyRedis();
  link = await RedisLink.open(redis.url);
  fleet = await startFleet({ redisUrl: link.url });
});

async function isReady(): Promise<boolean> {
  const { statusCode, body } = await request(`${fleet.edge().adminUrl}/readyz`);
  await body.dump();
  return statusCode === 200;
}

afterAll(async () => {
  await fleet?.stop();
  await link?.stop();
  await redis?.stop();
});

test(
  'the presence stream of iComet goes on over another one',
  async () => {
    const reader = await readPresence(fleet.api().port);
    const says = (text: string) => () => reader.received.includes(text);
    const client = await connect(fleet.edge().wsUrl);
    await client.subscribe('before');
    await eventually(says('1 before\n'), 'a change is told');
    link.deafen('edge');
    expect(link.deaf('edge')).toBeGreaterThan(1);
    await eventually(() => link.deaf('edge') === 0, 'they are replaced', FOUND_DEADLINE_MS);
    await eventually(isReady, 'the edge hears again', FOUND_DEADLINE_MS);
    await client.subscribe('after');
    await eventually(says('1 after\n'), 'a change is told again', FOUND_DEADLINE_MS);
    await client.close();
  },
  2 * FOUND_DEADLINE_MS,
);

test('an edge that stood still, with a probe on its way, keeps its connection and what it registered', async () => {
  const slow = await startFleet({
    redisUrl: redis.url,
    apis: 0,
    edgeEnv: { HALLEY_REDIS_TIMEOUT_MS: '60000' },
  });
  try {
    const edge = slow.edge();
    const client = await connect(edge.wsUrl);
    const { edgeId } = await client.welcomed();
    const losses = await counterOf(edge, 'halley_subscriber_losses_total');
    const begunMs = Date.now();
    await redis.client.call('CLIENT', 'PAUSE', String(2 * PROBE_INTERVAL_MS), 'ALL');
    await eventually(() => Date.now() - begunMs > 1.5 * PROBE_INTERVAL_MS, 'a probe is on its way');
    edge.pause();
    const leftMs = () => redis.client.pttl(heartbeatKey(edgeId));
    await eventually(async () => (await leftMs()) < 0, 'its heartbeat has expired', 30_000);
    edge.resume();
    await eventually(async () => (await leftMs()) > HEARTBEAT_TTL_MS - 500, 'it goes on');
    expect(await counterOf(edge, 'halley_subscriber_losses_total')).toBe(losses);
    expect(edge.output).not.toContain('everything is registered again');
    await client.close();
  } finally {
    await slow.stop();
  }
}, 60_000);
