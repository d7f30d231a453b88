/** Replays over HTTP that are longer than one write (adapters/native-http/PROTOCOL.md). */

import { describe, expect, test } from 'vitest';
import { ask, httpUrl, openPush, type PushClient } from '../kit/http-wires.js';
import { connect } from '../kit/native-client.js';
import { counterOf } from '../kit/streams.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone' } as const;
const BIG = 'x'.repeat(60_000);
const COUNT = 40;

describe('a long replay', () => {
  const stack = useFleet({ edges: 2, config: { namespaces: { open: OPEN } } });

  async function publishMany(channel: string): Promise<void> {
    for (let data = 0; data < COUNT; data += 1) await stack.rest.publish(channel, [data, BIG]);
  }
  const numbers = (client: PushClient, channel: string) =>
    client.messages(channel).map(({ data }) => (data as [number])[0]);
  const all = Array.from({ length: COUNT }, (_, data) => data);

  test.each(['/v1/sse', '/v1/stream'])('of two channels by %s comes whole', async (path) => {
    const channels = [channelIn('open'), channelIn('open')];
    for (const channel of channels) await publishMany(channel);
    const client = await openPush(httpUrl(stack.ws(), path, { channel: channels, last: 100 }));
    for (const channel of channels) {
      const isWhole = () => client.messages(channel).length >= COUNT;
      await client.until(isWhole, `the replay of ${channel}`);
      expect(numbers(client, channel)).toEqual(all);
    }
    client.close();
  });

  test('of a queue by /v1/sse comes whole', async () => {
    const name = channelIn('gustav');
    for (let data = 0; data < COUNT; data += 1) {
      await stack.rest.publishPrivate(name, [data, BIG]);
    }
    const client = await openPush(httpUrl(stack.ws(), '/v1/sse', { token: tokenFor(name) }));
    await client.until(() => client.of('private').length >= COUNT, 'the whole queue');
    expect(client.of('private').map(({ data }) => (data as [number])[0])).toEqual(all);
    client.close();
  });
});

describe('a frame that was posted', () => {
  const stack = useFleet({
    config: { namespaces: { open: OPEN } },
    edgeEnv: { HALLEY_REDIS_TIMEOUT_MS: '10000' },
  });

  test('is answered by its outcome also while the edge leaves', async () => {
    const leaving = await stack.fleet.addEdge();
    const { server } = stack.redis;
    server.pause();
    const posted = ask(httpUrl(leaving.wsUrl, '/v1/frames'), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ type: 'publish', ref: 1, channel: channelIn('open'), data: 'late' }),
    });
    const isThere = async () => (await counterOf(leaving, 'halley_connections')) === 1;
    await eventually(isThere, 'the frame is under way');
    // It comes second, and so is told second.
    const socket = await connect(leaving.wsUrl);
    const exit = leaving.terminate();
    await socket.next('goodbye');
    server.resume();
    const { status, text } = await within(posted, 'the answer');
    expect(`${status} ${text}`).toMatch(/^200 {"type":"published","ref":1,/);
    await exit;
  });
});
