/** POST /messages: results in order, few scripts, and a bad message that fails nobody else. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { OpenApiBook } from '../kit/openapi.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import type { Exchange, RestClient } from '../kit/rest.js';

const BATCH_MAX = 1_000;
const PARTITIONS = 256;

interface Result {
  readonly id?: string;
  readonly edges?: number;
  readonly repeated?: boolean;
  readonly code?: string;
  readonly field?: string;
  readonly channel?: string;
  readonly client?: string;
  readonly results?: readonly Result[];
}

let redis: TestRedis;
let fleet: Fleet;
let api: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const config = { queueMaxMessages: 2, namespaces: { small: { maxPayloadBytes: 10 } } };
  fleet = await startFleet({ redisUrl: redis.url, edges: 0, config });
  api = (await OpenApiBook.of(fleet.api().url)).client(fleet.api().url);
});

beforeEach(() => redis.flush());

afterAll(async () => {
  await api?.close();
  await fleet?.stop();
  await redis?.stop();
});

function post(messages: unknown): Promise<Exchange> {
  return api.post('/messages', { messages });
}

function resultsOf({ body }: Exchange): readonly Result[] {
  return (body as { results: Result[] }).results;
}

async function dataOf(channel: string): Promise<unknown[]> {
  const { body } = await api.get(`/channels/${channel}/messages?limit=1000`);
  return (body as { messages: { data: unknown }[] }).messages.map(({ data }) => data);
}

describe('a batch', () => {
  it('of 1,000 messages takes at most 256 scripts', async () => {
    const messages = Array.from({ length: BATCH_MAX }, (_, index) => ({
      channel: `demo:${index}`,
      data: index,
    }));
    await redis.resetCommandCalls();
    const results = resultsOf(await post(messages));
    const { evalsha = 0, eval: evaluated = 0 } = await redis.commandCalls();
    expect(results.filter(({ edges }) => edges === 0)).toHaveLength(BATCH_MAX);
    expect(evalsha + evaluated).toBeGreaterThan(0);
    expect(evalsha + evaluated).toBeLessThanOrEqual(PARTITIONS);
    expect(await dataOf('demo:999')).toEqual([999]);
  });

  it('to one channel keeps its order', async () => {
    const messages = Array.from({ length: 250 }, (_, data) => ({ channel: 'big:order', data }));
    const ids = resultsOf(await post(messages)).map(({ id }) => id);
    const { body } = await api.get('/channels/big:order/messages?limit=100');
    expect((body as { messages: { id: string }[] }).messages.map(({ id }) => id)).toEqual(
      ids.slice(-100),
    );
  });

  it('carries each message as it was posted', async () => {
    const text =
      '{ "messages" : [ {"data": 1234567890123456789,"channel":"demo:a"} ,\n' +
      '{"channel":"demo:a","data":{ "data" : [1.0] }, "event":"e"}]}';
    expect((await api.call('POST', '/messages', { text })).status).toBe(200);
    const read = (await api.get('/channels/demo:a/messages')).text;
    expect(read).toContain('"data":1234567890123456789}');
    expect(read).toContain('"data":{ "data" : [1.0] },"event":"e"}');
  });

  it('has a result for each, and bad ones fail nobody else', async () => {
    const results = resultsOf(
      await post([
        { channel: 'demo:a', data: 'first' },
        5,
        null,
        { channel: 'demo:a' },
        { data: 1 },
        { channel: 'a b', data: 1 },
        { channel: 'demo:a', client: 'ann', data: 1 },
        { channels: [], data: 1 },
        { channel: 'demo:a', data: 1, from: 'ann' },
        { channel: '@client:ann', data: 1 },
        { channel: 'small:a', data: 'too long for it' },
        { client: '', data: 1 },
        { channel: 'demo:a', data: 'last' },
      ]),
    );
    expect(results.map(({ code, field }) => [code, field])).toEqual([
      [undefined, undefined],
      ['bad-field', undefined],
      ['bad-field', undefined],
      ['missing-field', 'data'],
      ['missing-field', 'channel'],
      ['bad-field', 'channel'],
      ['bad-field', 'client'],
      ['bad-field', 'channels'],
      ['bad-field', 'from'],
      ['forbidden', undefined],
      ['payload-too-large', 'data'],
      ['bad-field', 'client'],
      [undefined, undefined],
    ]);
    expect(await dataOf('demo:a')).toEqual(['first', 'last']);
  });

  it('names every target of a list', async () => {
    const [channels, clients] = resultsOf(
      await post([
        { channels: ['demo:a', 'small:b', 'demo:a'], data: 'longer than ten', key: 'k' },
        { clients: ['ann', 'bob', 'ann', 'ann'], data: 1 },
      ]),
    );
    expect(channels?.results).toMatchObject([
      { channel: 'demo:a', edges: 0 },
      { channel: 'small:b', code: 'payload-too-large' },
      { channel: 'demo:a', repeated: true },
    ]);
    expect(clients?.results).toMatchObject([
      { client: 'ann', edges: 0 },
      { client: 'bob', edges: 0 },
      { client: 'ann', edges: 0 },
      { client: 'ann', code: 'queue-full' },
    ]);
  });

  it('has 1 to 1,000 messages, targets counted', async () => {
    const many = Array.from({ length: BATCH_MAX + 1 }, () => ({ channel: 'demo:a', data: 1 }));
    const names = Array.from({ length: BATCH_MAX }, (_, index) => `demo:${index}`);
    for (const messages of [
      [],
      many,
      [
        { channels: names, data: 1 },
        { client: 'ann', data: 1 },
      ],
    ]) {
      const answer = await post(messages);
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ code: 'bad-field', field: 'messages' });
    }
    expect(await dataOf('demo:a')).toEqual([]);
    expect(resultsOf(await post([{ channels: names, data: 1 }]))[0]?.results).toHaveLength(
      BATCH_MAX,
    );
  });
});
