import { describe, expect, test } from 'vitest';
import { connect, type NativeClient, open } from '../kit/native-client.js';
import { field } from '../kit/rest.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const TIMEOUT_MS = 300;
const EARLY_MAX_MESSAGES = 64;

describe('the store behind the native wire', () => {
  const stack = useFleet({ env: { HALLEY_REDIS_TIMEOUT_MS: String(TIMEOUT_MS) } });

  /** Runs it while Redis takes everything and answers nothing. */
  async function whileRedisStands<T>(run: () => Promise<T>): Promise<T> {
    const { server } = stack.redis;
    server.pause();
    try {
      return await run();
    } finally {
      server.resume();
    }
  }

  const published = (client: NativeClient, channel: string) =>
    eventually(async () => {
      const answer = await client.request({ type: 'publish', channel, data: 'after' });
      return answer.type === 'published' && answer.id;
    }, 'the store is there again');

  test('N-41 what needs the store is refused by unavailable, and works afterwards', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    await whileRedisStands(async () => {
      for (const type of ['subscribe', 'history', 'members']) {
        expect(await client.request({ type, channel })).toMatchObject({
          type: 'error',
          code: 'unavailable',
          channel,
          retryAfterMs: expect.any(Number),
        });
      }
    });
    await eventually(
      async () => (await client.request({ type: 'subscribe', channel })).type === 'subscribed',
      'the store is there again',
    );
  });

  test('N-41 a publish without an answer is outcome-unknown; its key tells what became of it', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    const asked = { type: 'publish', channel, data: 'once', key: 'k' };
    const refused = await whileRedisStands(() => client.request(asked));
    expect(refused).toMatchObject({ code: 'outcome-unknown', retryAfterMs: expect.any(Number) });
    const again = await eventually(async () => {
      const answer = await client.request(asked);
      return answer.type === 'published' && answer;
    }, 'the store is there again');
    // The paused Redis had taken the first one.
    expect(again).toMatchObject({ repeated: true });
    const { messages } = await client.ask({ type: 'history', channel }, 'history');
    expect(messages).toMatchObject([{ id: again.id, data: 'once' }]);
  });

  test('N-19, N-26 a held channel that cannot be taken anew stays held, after a gap', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const refused = await whileRedisStands(() =>
      client.request({ type: 'subscribe', channel, last: 10 }),
    );
    expect(refused).toMatchObject({ type: 'error', code: 'unavailable', channel });
    expect(client.of('gap')).toEqual([{ type: 'gap', channel, position: expect.any(String) }]);
    const id = await published(client, channel);
    const message = await client.next('message', (frame) => frame.id === id);
    expect(message).toMatchObject({ channel, data: 'after' });
  });

  test('N-10 a named client that cannot be registered is closed with 4100', async () => {
    const closed = await whileRedisStands(async () => {
      const client = await open(stack.ws(), { client: 'ann' });
      const end = await within(client.closed, 'the edge closes the connection');
      expect(client.frames).toEqual([]);
      return end;
    });
    expect(closed.code).toBe(4100);
    expect(closed.reason).toMatch(/^presence-unavailable/);
    const nameless = await connect(stack.ws());
    nameless.send({ type: 'ping' });
    await nameless.next('pong');
  });

  test('N-11 of more than 64 messages before the welcome the connection is closed with 4003', async () => {
    const edge = await stack.fleet.addEdge({ HALLEY_REDIS_TIMEOUT_MS: '30000' });
    const [patient, hasty] = await whileRedisStands(async () => {
      const clients = [
        await open(edge.wsUrl, { client: 'ann' }),
        await open(edge.wsUrl, { client: 'bob' }),
      ] as const;
      for (const [index, client] of clients.entries()) {
        const count = EARLY_MAX_MESSAGES + index;
        for (let sent = 0; sent < count; sent += 1) client.send({ type: 'ping' });
      }
      expect(await within(clients[1].closed, 'it is closed')).toMatchObject({ code: 4003 });
      return clients;
    });
    await patient.waitFor(() => patient.of('pong').length === EARLY_MAX_MESSAGES);
    expect(patient.frames[0]?.type).toBe('welcome');
    expect(hasty.frames).toEqual([]);
  });

  test('N-37 private frames come in order; an ack is cumulative and not answered', async () => {
    const client = await connect(stack.ws(), { client: 'carl' });
    const ids: string[] = [];
    for (const data of [1, 2, 3]) {
      ids.push(field(await stack.rest.publishPrivate('carl', data, { event: 'e' }), 'id'));
    }
    await client.waitFor(() => client.of('private').length === 3);
    expect(client.of('private')).toEqual(
      ids.map((id, index) => ({ type: 'private', id, data: index + 1, event: 'e' })),
    );
    client.send([{ type: 'ack', id: ids[1] }, { type: 'ping' }]);
    await client.next('pong');
    expect(client.of('error')).toEqual([]);
    await eventually(async () => {
      const { body } = await stack.rest.get('/clients/carl/queue');
      return (body as { acked: string }).acked === ids[1];
    }, 'the acknowledgement is stored');
    const other = await connect(stack.ws(), { client: 'carl' });
    await other.waitFor(() => other.of('private').length === 1);
    expect(other.of('private')).toMatchObject([{ id: ids[2], data: 3 }]);
  });

  test('N-37 an ack of what was not given, or without a name, is refused by bad-position', async () => {
    const named = await connect(stack.ws(), { client: 'dora' });
    const nameless = await connect(stack.ws());
    for (const client of [named, nameless]) {
      client.send({ type: 'ack', id: '9999999999999-0.aaaa' });
      const error = await client.next('error');
      expect(error).toEqual({
        type: 'error',
        code: 'bad-position',
        field: 'id',
        message: expect.any(String),
      });
    }
  });
});
