/** /psub, the count of the fleet, and what happens without a store (apps/api/src/compat/icomet/PROTOCOL.md). */

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { channelKeys, occupancyChannel, partitionOfChannel } from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';
import { ask, readPresence } from '../kit/icomet-backend.js';
import { connect } from '../kit/native-client.js';
import { getText, RawHttp, rawRequest } from '../kit/raw-http.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const CONFIG = { namespaces: { ic: OPEN, plain: { subscribe: 'anyone' } } };
const MAX_READERS = 16;
const WAITING_MAX_BYTES = 1_048_576;
const PLAIN = 'text/plain; charset=utf-8';

/** Chunks that say something of the name. */
function saidOf(raw: RawHttp, name: string): string[] {
  return raw.received.split('\r\n').filter((chunk) => chunk.endsWith(` ${name}\n`));
}

function until(raw: RawHttp, name: string, lines: readonly string[]): Promise<unknown> {
  const isSaid = () => saidOf(raw, name).join('').startsWith(lines.join(''));
  return eventually(isSaid, `${JSON.stringify(lines)} of ${name}, has ${saidOf(raw, name)}`);
}

describe('/psub', () => {
  const stack = useFleet({
    edges: 2,
    config: CONFIG,
    env: { HALLEY_CHANNEL_LINGER_MS: '0', HALLEY_ICOMET_CHANNEL_TIMEOUT_SECONDS: '3600' },
  });
  const port = () => stack.fleet.api().port;
  async function subscribe(channel: string, edge = 0) {
    const client = await connect(stack.ws(edge));
    await client.subscribe(channel);
    return client;
  }
  /** As an edge's script says it. */
  const occupied = (channel: string) =>
    stack.redis.client.spublish(occupancyChannel(partitionOfChannel(channel)), `1 ${channel}`);
  const feeds = async () => {
    const channels = await stack.redis.client.call('PUBSUB', 'SHARDNUMSUB', occupancyChannel(0));
    return Number((channels as [string, number])[1]);
  };

  test('IA-18 IA-19 says the first subscriber of the fleet, and its last', async () => {
    const [channel, next, unnumbered] = [channelIn('ic'), channelIn('ic'), channelIn('plain')];
    const readers = [await readPresence(port()), await readPresence(port(), '/icomet/psub')];
    const hidden = await subscribe(unnumbered);
    const first = await subscribe(channel);
    const second = await subscribe(channel, 1);
    for (const reader of readers) await until(reader, channel, [`1 ${channel}\n`]);
    const { subscribers } = channelKeys(channel);
    const areTwo = async () => (await stack.redis.client.hlen(subscribers)) === 2;
    await eventually(areTwo, 'both edges have said it');
    await first.close();
    const isOne = async () => (await stack.redis.client.hlen(subscribers)) === 1;
    await eventually(isOne, 'one edge has taken it back');
    const other = await subscribe(next);
    for (const reader of readers) {
      await until(reader, next, [`1 ${next}\n`]);
      expect(saidOf(reader, channel)).toEqual([`1 ${channel}\n`]);
    }
    await second.close();
    for (const reader of readers)
      await until(reader, channel, [`1 ${channel}\n`, `0 ${channel}\n`]);
    const [reader] = readers;
    const { statusLine, headers, chunks, isWhole } = (await reader?.bodyWith('0 ')) ?? {};
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect([...(headers ?? [])].slice(0, 3)).toEqual([
      ['server', 'icomet 0.2.5'],
      ['content-type', PLAIN],
      ['x-content-type-options', 'nosniff'],
    ]);
    expect(headers?.get('transfer-encoding')).toBe('chunked');
    expect(chunks).toEqual(['\n', `1 ${channel}\n`, `1 ${next}\n`, `0 ${channel}\n`]);
    expect(isWhole).toBe(false);
    for (const raw of readers) raw.close();
    for (const client of [hidden, other]) await client.close();
  });

  test('IA-18 names come as iComet spells them, and cannot forge a line', async () => {
    const reader = await readPresence(port());
    for (const [channel, name] of [
      ['~', ''],
      ['ic:a~20b~C3~A4', 'ic:a bä'],
      ['ic:a~0A0~20b', 'ic:a~0A0~20b'],
      ['ic:~C2~85', 'ic:~C2~85'],
    ] as const) {
      await occupied(channel);
      await until(reader, name, [`1 ${name}\n`]);
    }
    expect(reader.received).not.toContain('\n0 b');
    reader.close();
  });

  test('IA-20 says the living channels again once the store is back', async () => {
    const channel = channelIn('ic');
    const client = await subscribe(channel);
    const { subscribers } = channelKeys(channel);
    const isThere = async () => (await stack.redis.client.exists(subscribers)) === 1;
    await eventually(isThere, 'the store has the subscriber');
    const reader = await readPresence(port());
    await stack.redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(reader, channel, [`1 ${channel}\n`]);
    await client.close();
    await until(reader, channel, [`1 ${channel}\n`, `0 ${channel}\n`]);
    reader.close();
  });

  test('IA-20 repeats the living channels, page by page, for as long as they live', async () => {
    const api = await stack.fleet.addApi({ HALLEY_ICOMET_CHANNEL_TIMEOUT_SECONDS: '1' });
    // More than a page of the store, in one partition and in all.
    const channels = Array.from({ length: 1_000 }, () => channelIn('ic'));
    const client = await connect(stack.ws());
    const [spoken = ''] = channels;
    await client.subscribe(spoken);
    const { client: redis } = stack.redis;
    const keyOf = (channel: string) =>
      channelKeys(channel).subscribers.replace(`subscribers:${channel}`, 'channels');
    await Promise.all(channels.map((channel) => redis.zadd(keyOf(channel), 0, channel)));
    const reader = await readPresence(api.port);
    for (const channel of channels) await until(reader, channel, [`1 ${channel}\n`]);
    await until(reader, spoken, [`1 ${spoken}\n`, `1 ${spoken}\n`, `1 ${spoken}\n`]);
    await client.close();
    await Promise.all(channels.map((channel) => redis.zrem(keyOf(channel), channel)));
    await eventually(() => saidOf(reader, spoken).at(-1) === `0 ${spoken}\n`, 'it has gone');
    reader.close();
  });

  test('IA-21 a reader too many is refused until one goes; the feed is let go with the last', async () => {
    await eventually(async () => (await feeds()) === 0, 'the feed of the tests before is closed');
    const readers = await Promise.all(
      Array.from({ length: MAX_READERS }, () => readPresence(port())),
    );
    expect(await feeds()).toBe(1);
    const refused = await ask(port(), '/psub');
    expect(refused.statusLine).toBe('HTTP/1.1 429 Too Many Requests');
    expect([...refused.headers][0]).toEqual(['server', 'icomet 0.2.5']);
    expect(refused.body).toBe('');
    readers.pop()?.close();
    const late = await eventually(async () => {
      const raw = await RawHttp.open(port());
      raw.send(getText('/psub'));
      const { statusLine } = await raw.bodyWith('');
      if (statusLine.includes(' 200 ')) return raw;
      raw.close();
      return null;
    }, 'there is room again');
    for (const raw of [...readers, late]) raw.close();
    await eventually(async () => (await feeds()) === 0, 'the feed is closed');
    const again = await readPresence(port());
    expect(await feeds()).toBe(1);
    again.close();
  });

  test('IA-21 a reader that does not read is cut, and holds up nobody', async () => {
    const slow = await Reader.open(port(), { reads: false });
    const quick = await Reader.open(port(), { reads: true });
    // More than the kernels of both sides take, and what may wait here.
    const bytes = 12 * WAITING_MAX_BYTES;
    let sent = 0;
    let last = '';
    for (let batch = 0; sent < bytes; batch += 1) {
      const channels = Array.from({ length: 1_000 }, (_, index) =>
        `ic:${batch}.${index}.`.padEnd(199, 'x'),
      );
      last = channels.at(-1) ?? '';
      sent += channels.length * 200;
      await Promise.all(channels.map((channel) => occupied(channel)));
      await quick.hears(last);
    }
    slow.socket.resume();
    await within(slow.closed, 'the slow reader is cut');
    expect(slow.heardBytes).toBeLessThan(bytes);
    expect(slow.tail).not.toContain(last);
    quick.socket.destroy();
  });

  test('IA-22 an api that stops ends the answers whole', async () => {
    const api = await stack.fleet.addApi();
    const reader = await readPresence(api.port);
    await api.terminate();
    const { isWhole, chunks } = await reader.answer();
    expect({ isWhole, chunks }).toEqual({ isWhole: true, chunks: ['\n'] });
    await within(reader.closed, 'the connection ends');
  });
});

/** A reader of /psub that keeps only the end of what it hears: there may be much of it. */
class Reader {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  heardBytes = 0;
  tail = '';
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (bytes) => {
      this.heardBytes += bytes.length;
      this.tail = (this.tail + bytes.toString('latin1')).slice(-4_000);
      this.#wake();
    });
  }

  static async open(port: number, { reads }: { readonly reads: boolean }): Promise<Reader> {
    const socket = createConnection({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const reader = new Reader(socket);
    socket.write(getText('/psub'));
    await reader.hears('\r\n\r\n1\r\n\n');
    if (!reads) socket.pause();
    return reader;
  }

  hears(text: string): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#wake = () => {
        if (this.tail.includes(text)) resolve();
      };
      this.#wake();
    });
    return within(heard, `${JSON.stringify(text)} is heard`);
  }
}

describe('the whole fleet', () => {
  const stack = useFleet({
    edges: 2,
    apis: 2,
    config: CONFIG,
    env: { HALLEY_ICOMET_AUTH: 'token', HALLEY_CHANNEL_LINGER_MS: '0' },
  });
  const info = (channels: number, subscribers: number) =>
    `{"version": "0.2.5", "channels": ${channels}, "subscribers": ${subscribers}}\n`;

  test('IA-16 /info counts all edges, and what iComet serves', async () => {
    const ask1 = () => ask(stack.fleet.api(1).port, '/info');
    const empty = await ask1();
    expect(empty.body).toBe(info(0, 0));
    expect(empty.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const [one, two] = [channelIn('ic'), channelIn('ic')];
    const clients = await Promise.all([0, 0, 1, 1].map((edge) => connect(stack.ws(edge))));
    const wanted = [[one], [one, two], [one], [channelIn('plain')]];
    await Promise.all(
      clients.map((client, index) =>
        Promise.all((wanted[index] ?? []).map((channel) => client.subscribe(channel))),
      ),
    );
    const counted = async () => (await ask1()).body === info(2, 4);
    await eventually(counted, 'two channels with four subscribers');
    const one1 = await ask(stack.fleet.api().port, `/info?cname=${one}`);
    expect(one1.body).toBe(`{"cname": "${one}", "subscribers": 3}\n`);
    await Promise.all(clients.map((client) => client.close()));
    await eventually(async () => (await ask1()).body === info(0, 0), 'all have gone');
  });

  test('IA-13 IA-14 a token of one api opens its channel on every edge, until it is closed', async () => {
    const cname = channelIn('ic');
    const { body } = await ask(stack.fleet.api().port, `/sign?cname=${cname}`);
    const { token } = JSON.parse(body) as { token: string };
    const typeOf = async (shown: string) => {
      const target = `/icomet/sub?cname=${cname}&seq=0&token=${shown}`;
      const answer = await rawRequest(stack.edge(1).port, getText(target));
      return (JSON.parse(answer.body) as { type: string }).type;
    };
    expect(await typeOf(token)).toBe('next_seq');
    expect(await typeOf('0'.repeat(32))).toBe('401');
    const closed = await ask(stack.fleet.api(1).port, `/close?cname=${cname}`);
    expect(closed.body).toBe('ok 1\n');
    expect(await typeOf(token)).toBe('401');
  });
});

describe('without a store', () => {
  const stack = useFleet({ edges: 0, config: CONFIG, apiEnv: { HALLEY_REDIS_TIMEOUT_MS: '500' } });

  test('IA-17 every path says so', async () => {
    const { port } = stack.fleet.api();
    await stack.redis.kill();
    const paths = ['push', 'pub', 'broadcast', 'sign', 'close', 'clear', 'check', 'info', 'psub'];
    for (const path of paths) {
      const isAway = async () => {
        const answer = await ask(port, `/${path}?cname=ic:x&content=1`);
        // What was on its way when the store went may have been done.
        return answer.body === 'the store cannot be reached; nothing was stored\n' && answer;
      };
      const answer = await eventually(isAway, `/${path} is refused`);
      expect(answer.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
      expect(answer.headers.get('content-type')).toBe(PLAIN);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
  });
});
