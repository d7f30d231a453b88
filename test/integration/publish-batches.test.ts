/** How messages are joined into calls of the publish script, seen from Redis. */

import { SCRIPT_MAX_MESSAGES } from '@halley/shared/protocol';
import { Publisher } from '@halley/shared/publish';
import {
  type CommandClient,
  channelKeys,
  createCommandClient,
  parseRedisUrl,
  Scripts,
  whenReady,
} from '@halley/shared/redis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HeldLink, openHeldLink } from '../kit/held-link.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { eventually } from '../kit/wait.js';

const QUEUE = { seconds: 60, maxMessages: 1_000 };
const BOUNDS = {
  pending: { messages: 10_000, bytes: 100_000_000 },
  load: { isOverloaded: false, overloadedEdges: [] },
};
const HISTORY = { historySize: 1_000, historySeconds: 300 };
const CHANNEL = 'room';
/** What every answer of the script has in it. */
const OF_A_POSITION = '-0.';
/** Far above what Redis takes, far below the time-out of a call. */
const SENT_MS = 1_000;
const CALL_MS = 60_000;

let redis: TestRedis;
let link: HeldLink;
let client: CommandClient;
let publisher: Publisher;

beforeAll(async () => {
  redis = await startRedis();
  link = await openHeldLink(redis.url);
  client = createCommandClient(parseRedisUrl(link.url), CALL_MS);
  await whenReady(client);
  publisher = new Publisher(client, new Scripts(client), QUEUE, BOUNDS);
});

afterAll(async () => {
  client.disconnect();
  await link.stop();
  await redis.stop();
});

beforeEach(async () => {
  await redis.flush();
  // Redis has the script then, and each call after it is an EVALSHA.
  await Promise.all(publish(1));
  await redis.client.del(channelKeys(CHANNEL).log);
  await redis.resetCommandCalls();
});

function publish(count: number) {
  return Array.from({ length: count }, () => publisher.toChannel(CHANNEL, '"data":1', HISTORY));
}

/** One message in each turn of the event loop. */
async function publishInTurns(count: number, outcomes: ReturnType<typeof publish>): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    outcomes.push(...publish(1));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const stored = () => redis.client.xlen(channelKeys(CHANNEL).log);
const calls = async () => (await redis.commandCalls())['evalsha'];

test('messages of one turn travel together, as many as a call takes', async () => {
  const outcomes = await Promise.all(publish(2 * SCRIPT_MAX_MESSAGES + 3));
  expect(new Set(outcomes.map((one) => 'id' in one && one.id)).size).toBe(outcomes.length);
  expect(await stored()).toBe(outcomes.length);
  expect(await calls()).toBe(3);
});

test('while two calls have no answer, what comes travels as one; nobody waits for long', async () => {
  const holding = link.holdAnswers(OF_A_POSITION);
  const outcomes: ReturnType<typeof publish> = [];
  try {
    await publishInTurns(12, outcomes);
    await holding.begun;
    // Stated: 20 ms, answered or not.
    await eventually(async () => (await stored()) === 12, 'all are in Redis', SENT_MS);
    // Two for the first two; the others have met, but where this process was held up among them.
    expect(await calls()).toBeLessThan(6);
  } finally {
    link.release();
  }
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ edges: 0 });
});

test('a full call does not wait', async () => {
  const holding = link.holdAnswers(OF_A_POSITION);
  const outcomes: ReturnType<typeof publish> = [];
  try {
    await publishInTurns(2, outcomes);
    outcomes.push(...publish(SCRIPT_MAX_MESSAGES));
    await holding.begun;
    await eventually(async () => (await calls()) === 3, 'three calls', SENT_MS);
    expect(await stored()).toBe(2 + SCRIPT_MAX_MESSAGES);
  } finally {
    link.release();
  }
  await Promise.all(outcomes);
});
