import { describe, expect, test } from 'vitest';
import { connect, type NativeClient, open } from '../kit/native-client.js';
import { channelIn, claimsOf, tokenFor, useFleet } from '../kit/use-fleet.js';

const FRAME_MAX_BYTES = 131_072;
/** Above this a message is not read at all. */
const HARD_MAX_BYTES = FRAME_MAX_BYTES + 65_536;

/** The answer to text that has no `ref`, so that only its place tells whose answer it is. */
async function answerTo(client: NativeClient, text: string) {
  const from = client.frames.length;
  client.sendText(text);
  return client.waitFor(() => true, undefined, from, `an answer to ${text.slice(0, 100)}`);
}

/** A ping of exactly so many bytes; unknown fields are ignored. */
function pingOf(bytes: number): string {
  const empty = '{"type":"ping","pad":""}';
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
}

describe('frames of the native wire', () => {
  const stack = useFleet();

  test('N-10 the first frame is welcome; a nameless connection has no queue', async () => {
    const client = await connect(stack.ws());
    expect(client.frames[0]).toEqual({
      type: 'welcome',
      version: 1,
      connectionId: expect.stringMatching(/^[0-9a-z]{12}$/),
      edgeId: expect.stringMatching(/^[0-9a-z]{8}$/),
      pingIntervalMs: 25_000,
      maxPayloadBytes: 65_536,
    });
  });

  test('N-10 a named one is told its name, its queue and when its token expires', async () => {
    const token = tokenFor('ann', { ttlSeconds: 100 });
    const client = await connect(stack.ws(), { token });
    const welcome = await client.welcomed();
    expect(welcome).toMatchObject({ clientId: 'ann', queue: { position: expect.any(String) } });
    expect(welcome.expiresAt).toBe(Number(claimsOf(token)['exp']) * 1_000);
  });

  test('N-18 ping is answered by pong', async () => {
    const client = await connect(stack.ws());
    expect(await answerTo(client, '{"type":"ping"}')).toEqual({ type: 'pong' });
  });

  test.each([
    ['', 'bad-json'],
    ['{"type":"ping"', 'bad-json'],
    ['\ufeff{"type":"ping"}', 'bad-json'],
    ['null', 'bad-frame'],
    ['"ping"', 'bad-frame'],
    ['17', 'bad-frame'],
    ['[[{"type":"ping"}]]', 'bad-frame'],
  ])('N-12 %j is refused by %s, and the connection goes on', async (text, code) => {
    const client = await connect(stack.ws());
    const answer = await answerTo(client, text);
    expect(answer).toEqual({ type: 'error', code, message: expect.any(String) });
    expect(await answerTo(client, '{"type":"ping"}')).toEqual({ type: 'pong' });
  });

  test('N-12 a binary message is refused by bad-frame', async () => {
    const client = await connect(stack.ws());
    client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect(await client.next('error')).toMatchObject({ code: 'bad-frame' });
    expect(client.of('pong')).toEqual([]);
  });

  test('N-1, N-12 128 frames fit in an array; of 129 none is carried out', async () => {
    const client = await connect(stack.ws());
    const ping = { type: 'ping' };
    client.send(Array.from({ length: 129 }, () => ping));
    expect(await client.next('error')).toMatchObject({ code: 'too-many-frames' });
    expect(client.of('pong')).toEqual([]);
    client.send(Array.from({ length: 128 }, () => ping));
    await client.waitFor(() => client.of('pong').length === 128);
    client.send([]);
    expect(await answerTo(client, '{"type":"ping"}')).toEqual({ type: 'pong' });
    expect(client.of('error')).toHaveLength(1);
  });

  test.each([
    [{ type: undefined }, 'missing-field', 'type'],
    [{ type: 'shout' }, 'unknown-type', 'type'],
    [{ type: 'toString' }, 'unknown-type', 'type'],
    [{ type: 7 }, 'unknown-type', 'type'],
    [{ type: 'welcome' }, 'unknown-type', 'type'],
    [{ type: 'subscribe' }, 'missing-field', 'channel'],
    [{ type: 'unsubscribe' }, 'missing-field', 'channel'],
    [{ type: 'publish', channel: 'demo:a' }, 'missing-field', 'data'],
    [{ type: 'history' }, 'missing-field', 'channel'],
    [{ type: 'members' }, 'missing-field', 'channel'],
    [{ type: 'auth' }, 'missing-field', 'token'],
    [{ type: 'ack' }, 'missing-field', 'id'],
    [{ type: 'subscribe', channel: 5 }, 'bad-channel', 'channel'],
    [{ type: 'subscribe', channel: '' }, 'bad-channel', 'channel'],
    [{ type: 'subscribe', channel: 'demo:a b' }, 'bad-channel', 'channel'],
    [{ type: 'subscribe', channel: `demo:${'x'.repeat(196)}` }, 'bad-channel', 'channel'],
    [{ type: 'subscribe', channel: '@client:a~zz' }, 'bad-channel', 'channel'],
    [{ type: 'subscribe', channel: 'demo:a', after: 'x' }, 'bad-position', 'after'],
    [{ type: 'subscribe', channel: 'demo:a', after: 7 }, 'bad-position', 'after'],
    [{ type: 'subscribe', channel: 'demo:a', after: '1-1' }, 'bad-position', 'after'],
    [{ type: 'subscribe', channel: 'demo:a', last: -1 }, 'bad-field', 'last'],
    [{ type: 'subscribe', channel: 'demo:a', last: 1_001 }, 'bad-field', 'last'],
    [{ type: 'subscribe', channel: 'demo:a', last: 1.5 }, 'bad-field', 'last'],
    [{ type: 'subscribe', channel: 'demo:a', last: 1, after: '0-1' }, 'bad-field', 'last'],
    [{ type: 'subscribe', channel: 'demo:a', token: 1 }, 'bad-field', 'token'],
    [{ type: 'publish', channel: 'demo:a', data: 1, event: '' }, 'bad-field', 'event'],
    [{ type: 'publish', channel: 'demo:a', data: 1, event: 'x'.repeat(101) }, 'bad-field', 'event'],
    [{ type: 'publish', channel: 'demo:a', data: 1, key: 'a\nb' }, 'bad-field', 'key'],
    [{ type: 'publish', channel: 'demo:a', data: 1, key: 'x'.repeat(201) }, 'bad-field', 'key'],
    [{ type: 'history', channel: 'demo:a', limit: 0 }, 'bad-field', 'limit'],
    [{ type: 'history', channel: 'demo:a', limit: 1_001 }, 'bad-field', 'limit'],
    [{ type: 'history', channel: 'demo:a', before: '-1' }, 'bad-position', 'before'],
    [{ type: 'history', channel: 'demo:a', before: '0-1', after: '0-1' }, 'bad-field', 'before'],
    [{ type: 'members', channel: 'demo:a', limit: '5' }, 'bad-field', 'limit'],
    [{ type: 'members', channel: 'demo:a', after: 'a\u0000' }, 'bad-field', 'after'],
    [{ type: 'ack', id: 'latest' }, 'bad-position', 'id'],
  ])('N-13, N-14 %j is refused by %s, which names %s', async (frame, code, field) => {
    const client = await connect(stack.ws());
    const answer = await client.request(frame);
    const { channel } = frame as { channel?: unknown };
    expect(answer).toEqual({
      type: 'error',
      ref: 'r1',
      code,
      field,
      message: expect.stringContaining(field),
      ...(code !== 'bad-channel' && channel !== undefined && { channel }),
    });
  });

  test.each(['r', 'x'.repeat(64), '"\\\u00e9\u2028', 0, 9_007_199_254_740_991])(
    'N-15 the ref %j comes back as it was',
    async (ref) => {
      const client = await connect(stack.ws());
      const channel = channelIn('demo');
      for (const type of ['subscribe', 'history', 'members', 'unsubscribe']) {
        const answer = await client.request({ type, channel, ref });
        expect(answer).toMatchObject({ ref, channel });
        expect(answer.type).not.toBe('error');
        client.frames.length = 0;
      }
      expect(await client.request({ type: 'publish', channel, data: 1, ref })).toMatchObject({
        ref,
      });
    },
  );

  test.each([[''], ['x'.repeat(65)], [-1], [1.5], [true], [null], [{}], [9_007_199_254_740_992]])(
    'N-15 the ref %j is refused and does not come back',
    async (ref) => {
      const client = await connect(stack.ws());
      const text = JSON.stringify({ type: 'subscribe', channel: 'demo:a', ref });
      const answer = await answerTo(client, text);
      expect(answer).toMatchObject({ code: 'bad-field', field: 'ref', channel: 'demo:a' });
      expect(answer).not.toHaveProperty('ref');
    },
  );

  test('N-16 a refused frame does not spoil the others of its array', async () => {
    const client = await connect(stack.ws());
    const channel = channelIn('demo');
    client.send([
      { type: 'subscribe', ref: 1, channel, colour: 'red' },
      { type: 'nonsense', ref: 2 },
      { type: 'publish', ref: 3, channel, data: 'hi' },
    ]);
    expect(await client.next('error')).toMatchObject({ ref: 2, code: 'unknown-type' });
    expect(await client.next('subscribed')).toMatchObject({ ref: 1 });
    expect(await client.next('published')).toMatchObject({ ref: 3 });
  });

  test('N-17 a message of 128 KiB is taken, a byte more is refused by frame-too-large', async () => {
    const client = await connect(stack.ws());
    expect(await answerTo(client, pingOf(FRAME_MAX_BYTES))).toEqual({ type: 'pong' });
    const refused = await answerTo(client, pingOf(FRAME_MAX_BYTES + 1));
    expect(refused).toMatchObject({ type: 'error', code: 'frame-too-large' });
    expect(await answerTo(client, pingOf(HARD_MAX_BYTES))).toMatchObject({
      code: 'frame-too-large',
    });
  });

  test('N-17 64 KiB above that the connection ends with 1006', async () => {
    const client = await connect(stack.ws());
    client.sendText(pingOf(HARD_MAX_BYTES + 1));
    expect(await client.closed).toMatchObject({ code: 1006 });
  });

  test('N-11 what is sent before the welcome is carried out after it', async () => {
    const channel = channelIn('demo');
    const client = await open(stack.ws(), { client: 'early' });
    client.send({ type: 'subscribe', ref: 1, channel });
    client.send({ type: 'unsubscribe', ref: 2, channel });
    client.sendText('nonsense');
    await client.next('unsubscribed');
    await client.next('error');
    expect(client.frames[0]).toMatchObject({ type: 'welcome', clientId: 'early' });
    expect(client.of('subscribed')).toMatchObject([{ ref: 1 }]);
    expect(client.of('error')).toMatchObject([{ code: 'bad-json' }]);
  });
});
