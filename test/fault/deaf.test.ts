/** Connections for live messages that stay open and deliver nothing. */

import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { readPresence } from '../kit/icomet-backend.js';
import { connect } from '../kit/native-client.js';
import type { FaultyRedis } from '../kit/redis.js';
import { startFaultyRedis } from '../kit/redis-engine.js';
import { eventually } from '../kit/wait.js';
import { RedisLink } from './redis-link.js';

/** A probe goes every 2 s and is missed after 5; a loaded machine gets more. */
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
