/** What the door of iComet's clients promises, byte by byte (adapters/icomet/PROTOCOL.md). */

import { createHash } from 'node:crypto';
import { channelKeys } from '@halley/shared/redis';
import { beforeAll, describe, expect, test } from 'vitest';
import { getText, type RawAnswer, RawHttp, rawRequest } from '../kit/raw-http.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const POLLING_TIMEOUT_SECONDS = 1;
const HEADERS = {
  expires: '0',
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  connection: 'keep-alive',
};

function object(type: string, cname: string, seq: number, content = ''): string {
  return JSON.stringify({ type, cname, seq, content });
}

function expectAnswer(answer: RawAnswer, headers: Record<string, string>, body: string): void {
  expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
  expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
  expect(answer.body).toBe(body);
}

describe("iComet's clients", () => {
  const stack = useFleet({
    edges: 2,
    config: {
      namespaces: {
        ic: OPEN,
        short: { ...OPEN, historySize: 2 },
        brief: { ...OPEN, historySeconds: 1 },
        plain: { subscribe: 'anyone' },
        closed: { icomet: true, publish: 'anyone' },
      },
    },
    edgeEnv: {
      HALLEY_ICOMET_POLLING_TIMEOUT_SECONDS: String(POLLING_TIMEOUT_SECONDS),
      HALLEY_ORIGINS: 'https://site.example',
      HALLEY_POLL_PRESENCE_MS: '500',
    },
  });

  const get = (target: string, edge = 0) => rawRequest(stack.edge(edge).port, getText(target));
  const publish = (channel: string, data: unknown, event?: string) =>
    stack.rest.publish(channel, data, event === undefined ? {} : { event });
  const published = async (channel: string, ...data: unknown[]) => {
    for (const one of data) await publish(channel, one);
  };
  async function open(target: string, edge = 0): Promise<RawHttp> {
    const raw = await RawHttp.open(stack.edge(edge).port);
    raw.send(getText(target));
    return raw;
  }
  const subscribers = (channel: string, count: number) =>
    eventually(async () => {
      const { body } = await stack.rest.get(`/channels/${encodeURIComponent(channel)}`);
      return (body as { subscribers?: number }).subscribers === count;
    }, `${count} subscribers of ${channel}`);

  test.each(['/icomet/sub', '/icomet/poll', '/sub', '/poll'])(
    'I-1 I-9 I-16 %s: who does not count yet is told the number, and nothing else',
    async (path) => {
      const cname = channelIn('ic');
      await published(cname, 'a', 'b');
      const answer = await get(`${path}?cname=${cname}&seq=0&_=1&callback=x`);
      const headers = { ...HEADERS, 'content-type': 'application/json; charset=utf-8' };
      expectAnswer(answer, headers, `${object('next_seq', cname, 3)}\n`);
      expect(await get(`${path}?cname=${cname}`)).toMatchObject({ body: answer.body });
      expect(await get(`${path}?cname=${cname}&seq=4`)).toMatchObject({ body: answer.body });
      expect(await get(`${path}?cname=${cname}&seq=junk`)).toMatchObject({ body: answer.body });
    },
  );

  test('I-9 a channel that has never had a message counts from 1', async () => {
    const cname = channelIn('ic');
    const { body } = await get(`/sub?cname=${cname}`);
    expect(body).toBe(`${object('next_seq', cname, 1)}\n`);
  });

  test('I-2 methods', async () => {
    const { port } = stack.edge();
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await rawRequest(
        port,
        `${method} /stream?cname=x HTTP/1.1\r\nHost: halley\r\nContent-Length: 0\r\n\r\n`,
      );
      expect(answer.statusLine).toBe('HTTP/1.1 405 Method Not Allowed');
      expect(answer.headers.get('allow')).toBe('GET, OPTIONS');
      expect(answer.body).toBe('');
    }
    const origin = 'Origin: https://site.example';
    const preflight = getText('/icomet/sse?cname=x', [origin]).replace('GET', 'OPTIONS');
    const allowed = await rawRequest(port, preflight);
    expect(allowed.statusLine).toBe('HTTP/1.1 204 No Content');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://site.example');
    expect(allowed.headers.get('access-control-allow-methods')).toContain('GET');
  });

  test('I-3 a name is any text, and comes back as it was', async () => {
    for (const cname of ['', 'ä b/c"\\<', 'ic:Ünï ❄']) {
      const answer = await get(`/sub?cname=${encodeURIComponent(cname)}`);
      expect(answer.body).toBe(`${object('next_seq', cname, 1)}\n`);
    }
    const unnumbered = await get('/sub?cname=plain:x');
    expect(unnumbered.statusLine).toBe('HTTP/1.1 400 Bad Request');
    expect(unnumbered.body).toContain('"code":"bad-channel"');
    const long = await get(`/sub?cname=${'x'.repeat(300)}`);
    expect(long.body).toContain('"code":"bad-channel"');
    const reserved = await get('/sub?cname=@client:bob');
    expect(reserved.body).toContain('"code":"bad-channel"');
  });

  test('I-5 I-13 the callback is checked; kept messages come in one array', async () => {
    const cname = channelIn('ic');
    await published(cname, 'a', '</script>\u2028');
    const answer = await get(`/sub?cname=${cname}&seq=1&cb=top.f`);
    const headers = { ...HEADERS, 'content-type': 'text/javascript; charset=utf-8' };
    const first = object('data', cname, 1, 'a');
    const second = object('data', cname, 2, '</script>').replace(
      '</script>',
      '\\u003c/script>\\u2028',
    );
    expectAnswer(answer, headers, `top.f([${first},${second}]);\n`);
    const bad = await get(`/sub?cname=${cname}&seq=1&cb=alert(1)//`);
    expect(bad.statusLine).toBe('HTTP/1.1 400 Bad Request');
    expect(bad.body).toContain('"code":"bad-callback"');
  });

  test('I-6 the content is always a string; nothing in it breaks the JSON', async () => {
    const cname = channelIn('ic');
    const contents = ['', '"\\\u0000\u0001\b\t\n', { a: [1, null] }, 12, null, '❄'];
    await published(cname, ...contents);
    const { body } = await get(`/poll?cname=${cname}&seq=1`);
    const texts = contents.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
    expect(JSON.parse(body)).toEqual(
      texts.map((content, index) => ({ type: 'data', cname, seq: index + 1, content })),
    );
  });

  test('I-8 numbers are the same on every edge, and outlive the history', async () => {
    const cname = channelIn('brief');
    await published(cname, 'a', 'b', 'c');
    const { redis } = stack;
    await eventually(async () => {
      await publish(channelIn('brief'), 'x');
      return (await redis.client.exists(channelKeys(cname).log)) === 0;
    }, 'the log has expired');
    for (const edge of [0, 1]) {
      expect((await get(`/sub?cname=${cname}`, edge)).body).toBe(
        `${object('next_seq', cname, 4)}\n`,
      );
    }
    const parked = await open(`/sub?cname=${cname}&seq=4`, 1);
    await subscribers(cname, 1);
    await published(cname, 'd');
    expect((await parked.answer()).body).toBe(`${object('data', cname, 4, 'd')}\n`);
    parked.close();
  });

  test('I-8 after the largest number of 32 bits comes the smallest', async () => {
    const cname = channelIn('ic');
    await stack.redis.client.set(channelKeys(cname).number, '2147483645');
    await published(cname, 'a', 'b', 'c');
    const { body } = await get(`/sub?cname=${cname}&seq=2147483646`);
    expect(body).toBe(
      `[${object('data', cname, 2147483646, 'a')},${object('data', cname, 2147483647, 'b')},` +
        `${object('data', cname, -2147483648, 'c')}]\n`,
    );
    const next = await get(`/sub?cname=${cname}&seq=5`);
    expect(next.body).toContain('"type":"data"'); // 5 is far behind now, and comes from the oldest kept.
  });

  test('I-11 what is gone is not waited for: the numbers show the hole', async () => {
    const cname = channelIn('short');
    for (let data = 1; data <= 300; data += 1) await publish(cname, String(data));
    for (const seq of ['1', '-1', '-1000000']) {
      const kept = JSON.parse((await get(`/sub?cname=${cname}&seq=${seq}`)).body);
      expect(kept.at(0).seq).toBeGreaterThan(1);
      expect(kept.at(-1)).toMatchObject({ seq: 300, content: '300' });
      expect(kept.length).toBeGreaterThanOrEqual(2);
    }
  });

  test('I-10 I-11 a cleared channel is waited for in silence', async () => {
    const cname = channelIn('ic');
    await published(cname, 'a', 'b');
    await stack.rest.delete(`/channels/${encodeURIComponent(cname)}/messages`);
    const parked = await open(`/sub?cname=${cname}&seq=1`);
    await subscribers(cname, 1);
    await published(cname, 'c');
    expect((await parked.answer()).body).toBe(`${object('data', cname, 3, 'c')}\n`);
    parked.close();
  });

  test('I-7 I-13 a broadcast comes with the number to go on with', async () => {
    const cname = channelIn('ic');
    const parked = await open(`/sub?cname=${cname}&seq=1&cb=f`);
    await subscribers(cname, 1);
    await publish(cname, 'to all', 'broadcast');
    const pair = `[${object('broadcast', cname, 1, 'to all')},${object('next_seq', cname, 2)}]`;
    expect((await parked.answer()).body).toBe(`f(${pair});\n`);
    parked.close();
    await published(cname, 'x');
    expect((await get(`/sub?cname=${cname}&seq=1`)).body).toBe(
      `${pair.slice(0, -1)},${object('data', cname, 2, 'x')}]\n`,
    );
  });

  /** With the nonce of the edge. */
  let script = '';
  beforeAll(async () => {
    const raw = await open('/iframe?cname=ic:nonce&seq=1');
    script = /<script nonce="[\w-]{22}">/.exec((await raw.bodyWith('-->\n')).body)?.[0] ?? '';
    raw.close();
  });

  const FRAMES: readonly [path: string, type: string, (text: string) => string][] = [
    ['/stream', 'application/json; charset=utf-8', (text) => `${text}\n`],
    ['/sse', 'text/event-stream; charset=utf-8', (text) => `data: ${text}\n\n`],
    [
      '/iframe',
      'text/html; charset=utf-8',
      (text) => `${script}parent.icomet_cb(${text.replaceAll('<', '\\u003c')});</script>\n`,
    ],
  ];

  test.each(FRAMES)(
    'I-12 I-14 I-16 %s: kept, then live, each once and in order',
    async (path, type, frame) => {
      const cname = channelIn('ic');
      await published(cname, 'one', 'two');
      const raw = await open(`${path}?cname=${cname}&seq=2`);
      await subscribers(cname, 1);
      await publish(cname, 'three <b>');
      await publish(cname, 'four', 'broadcast');
      await published(cname, 'five');
      const last = frame(object('data', cname, 5, 'five'));
      const answer = await raw.bodyWith(last);
      const body = answer.body.slice(answer.body.indexOf(frame(object('data', cname, 2, 'two'))));
      expect(body).toBe(
        [
          object('data', cname, 2, 'two'),
          object('data', cname, 3, 'three <b>'),
          object('broadcast', cname, 4, 'four'),
          object('next_seq', cname, 5),
          object('data', cname, 5, 'five'),
        ]
          .map(frame)
          .join(''),
      );
      expectAnswer(
        answer,
        { ...HEADERS, 'content-type': type, 'transfer-encoding': 'chunked' },
        answer.body,
      );
      raw.close();
    },
  );

  test.each(FRAMES)(
    'I-9 I-15 %s: the number first; noops in silence, counted',
    async (path, _, frame) => {
      const cname = channelIn('ic');
      await published(cname, 'old');
      const raw = await open(`${path}?cname=${cname}&noop=2147483647`);
      const first = frame(object('next_seq', cname, 2));
      const noops = [2_147_483_647, -2_147_483_648].map((count) =>
        frame(object('noop', cname, count)),
      );
      const begin = performance.now();
      const { body } = await raw.bodyWith(noops.join(''));
      expect(performance.now() - begin).toBeGreaterThan(2 * 1_000 * POLLING_TIMEOUT_SECONDS);
      expect(body.slice(body.indexOf(first))).toBe(first + noops.join(''));
      expect(body).not.toContain('"data"');
      raw.close();
    },
  );

  test('I-14 the page of /iframe is the same every time', async () => {
    const raw = await open(`/iframe?cname=${channelIn('ic')}&seq=1`);
    const { body, chunks } = await raw.bodyWith('-->\n');
    expect(chunks).toEqual([body]);
    expect(
      createHash('sha256').update(body.replace(script, '<script>')).digest('hex'),
    ).toMatchInlineSnapshot(`"f6840b03141ac6f22d5ca6c0aee2c7841cec758052f137b75a3f59a7edb25811"`);
    raw.close();
  });

  test('I-15 a noop ends a poll', async () => {
    const cname = channelIn('ic');
    const { body } = await get(`/sub?cname=${cname}&seq=1&noop=7&cb=f`);
    expect(body).toBe(`f(${object('noop', cname, 7)});\n`);
  });

  test('I-17 ping', async () => {
    const answer = await get('/ping');
    const body = `icomet_cb({"type":"ping","sub_timeout":${POLLING_TIMEOUT_SECONDS}});\n`;
    expectAnswer(answer, { 'content-type': 'text/javascript; charset=utf-8' }, body);
    expect((await get('/icomet/ping?cb=a.b')).body).toMatch(/^a\.b\(/);
    expect((await get('/ping?cb=a(')).statusLine).toBe('HTTP/1.1 400 Bad Request');
  });

  test('I-12 a poll after another, on another edge each time, misses and repeats nothing', async () => {
    const cname = channelIn('ic');
    const count = 200;
    const posts = (async () => {
      for (let data = 1; data <= count; data += 1) await publish(cname, String(data));
    })();
    const seen: number[] = [];
    let seq = 1;
    for (let turn = 0; seen.length < count; turn += 1) {
      const { body } = await get(`/sub?cname=${cname}&seq=${seq}`, turn % 2);
      for (const message of [JSON.parse(body)].flat()) {
        if (message.type !== 'data') continue;
        expect(message.content).toBe(String(message.seq));
        seen.push(message.seq);
        seq = message.seq + 1;
      }
    }
    await posts;
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  test('I-19 the right of the namespace decides; a token of the fleet may bring it', async () => {
    const cname = channelIn('closed');
    const refused = { ...HEADERS, 'content-type': 'application/json; charset=utf-8' };
    const { connection: _, ...withoutConnection } = refused;
    const error = object('401', cname, 0, 'Token error');
    for (const token of ['', 'abc', 'a.b.c']) {
      const answer = await get(`/sub?cname=${cname}&seq=1&token=${token}`);
      expectAnswer(answer, withoutConnection, `${error}\n`);
      expect(answer.headers.has('connection')).toBe(false);
    }
    expect((await get(`/stream?cname=${cname}`)).body).toBe(`${error}\n`);
    expect((await get(`/sse?cname=${cname}`)).body).toBe(`:\n\ndata: ${error}\n\n`);
    await published(cname, 'secret');
    const token = tokenFor('ann', { subscribe: [cname] });
    expect((await get(`/sub?cname=${cname}&seq=1&token=${token}`)).body).toBe(
      `[${object('data', cname, 1, 'secret')}]\n`,
    );
  });

  test('I-21 a page of a foreign origin is refused; one of the site may read', async () => {
    const cname = channelIn('ic');
    const { port } = stack.edge();
    const target = `/sub?cname=${cname}&seq=0`;
    const foreign = await rawRequest(port, getText(target, ['Origin: https://evil.example']));
    expect(foreign.statusLine).toBe('HTTP/1.1 403 Forbidden');
    expect(foreign.headers.has('access-control-allow-origin')).toBe(false);
    const own = await rawRequest(port, getText(target, ['Origin: https://site.example']));
    expect(own.headers.get('access-control-allow-origin')).toBe('https://site.example');
  });

  test('a request head may come in two segments, cut anywhere behind its first line', async () => {
    const cname = channelIn('ic');
    await published(cname, 'x');
    const text = getText(`/sub?cname=${cname}&seq=1`, ['X-Some: header']);
    const { port } = stack.edge();
    for (let at = text.indexOf('\r\n') + 2; at < text.length; at += 1) {
      const raw = await RawHttp.open(port);
      await raw.sendSplit(text, at);
      expect((await raw.answer()).body).toBe(`[${object('data', cname, 1, 'x')}]\n`);
      raw.close();
    }
  });

  test('two requests in one segment are answered one after the other', async () => {
    const cname = channelIn('ic');
    await published(cname, 'x');
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(getText('/ping') + getText(`/sub?cname=${cname}&seq=1`));
    expect((await raw.answer()).body).toContain('"type":"ping"');
    expect((await raw.answer()).body).toContain('"content":"x"');
    raw.close();
  });

  test('I-18 a leaving subscriber frees everything', async () => {
    const cname = channelIn('ic');
    const raws = await Promise.all(
      ['/stream', '/sse', '/iframe', '/sub'].map((path) => open(`${path}?cname=${cname}&seq=1`)),
    );
    await subscribers(cname, 4);
    for (const [index, raw] of raws.entries()) {
      if (index % 2 === 0) raw.close();
      else raw.reset();
    }
    await subscribers(cname, 0);
  });
});

describe("iComet's limits and tokens", () => {
  const stack = useFleet({
    config: { namespaces: { ic: OPEN } },
    edgeEnv: {
      HALLEY_ICOMET_AUTH: 'token',
      HALLEY_ICOMET_MAX_CHANNELS: '2',
      HALLEY_ICOMET_MAX_SUBSCRIBERS_PER_CHANNEL: '2',
      HALLEY_ICOMET_CHANNEL_TIMEOUT_SECONDS: '3',
    },
  });
  const get = (target: string) => rawRequest(stack.edge().port, getText(target));
  async function open(target: string): Promise<RawHttp> {
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(getText(target));
    return raw;
  }
  const sign = (cname: string, token: string, ttlMs = 60_000) =>
    stack.redis.client.set(channelKeys(cname).icometToken, token, 'PX', ttlMs);

  test('I-19 in token mode the token of the channel counts, and no other', async () => {
    const cname = channelIn('ic');
    const error = `${object('401', cname, 0, 'Token error')}\n`;
    expect((await get(`/sub?cname=${cname}`)).body).toBe(error);
    await sign(cname, 'f'.repeat(32));
    const wrong = ['', 'f'.repeat(31), 'g'.repeat(32), tokenFor('ann', { subscribe: [cname] })];
    for (const token of wrong) {
      expect((await get(`/sub?cname=${cname}&token=${token}`)).body).toBe(error);
    }
    const right = await get(`/sub?cname=${cname}&token=${'f'.repeat(32)}`);
    expect(right.body).toBe(`${object('next_seq', cname, 1)}\n`);
  });

  test('I-19 a token lives on while somebody subscribes', async () => {
    const cname = channelIn('ic');
    const token = 'a'.repeat(32);
    await sign(cname, token, 2_000);
    const raw = await open(`/sse?cname=${cname}&seq=1&token=${token}`);
    await raw.bodyWith(':\n\n');
    const isPutOff = async () =>
      (await stack.redis.client.pttl(channelKeys(cname).icometToken)) > 2_000;
    await eventually(isPutOff, 'the token is put off');
    raw.close();
    const isGone = async () =>
      (await stack.redis.client.exists(channelKeys(cname).icometToken)) === 0;
    await eventually(isGone, 'the token ends after its subscriber');
  });

  test('I-20 limits are told in the body', async () => {
    const names = [channelIn('ic'), channelIn('ic'), channelIn('ic')] as const;
    for (const name of names) await sign(name, 't');
    const target = (name: string) => `/stream?cname=${name}&token=t`;
    const raws = [await open(target(names[0])), await open(target(names[0]))];
    raws.push(await open(target(names[1])));
    for (const raw of raws) await raw.bodyWith('next_seq');
    const many = await get(target(names[0]));
    expectAnswer(many, {}, `${object('429', names[0], 0, 'Too many subscribers')}\n`);
    const channels = await get(target(names[2]));
    expectAnswer(channels, {}, `${object('429', names[2], 0, 'Too many channels')}\n`);
    raws[2]?.close();
    const isFree = async () => {
      const raw = await open(target(names[2]));
      const { body } = await raw.bodyWith('"type"');
      raw.close();
      return body.includes('next_seq');
    };
    await eventually(isFree, 'a channel without subscribers makes room');
    for (const raw of raws) raw.close();
  });
});

describe("iComet's clients and trouble", () => {
  const stack = useFleet({ config: { namespaces: { ic: OPEN } } });

  test('I-21 while Redis is away: 503, and not a wrong number', async () => {
    const cname = channelIn('ic');
    const { server } = stack.redis;
    server.pause();
    try {
      const answer = await rawRequest(stack.edge().port, getText(`/sub?cname=${cname}`));
      expect(answer.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
      expect(answer.headers.has('retry-after')).toBe(true);
      expect(answer.body).toContain('"code":"unavailable"');
    } finally {
      server.resume();
    }
  });

  test('I-23 a leaving edge: polls end by a noop, streams end', async () => {
    const cname = channelIn('ic');
    const leaving = await stack.fleet.addEdge();
    const open = async (path: string) => {
      const raw = await RawHttp.open(leaving.port);
      raw.send(getText(`${path}?cname=${cname}&seq=1&noop=5`));
      return raw;
    };
    const [poll, stream, sse] = [await open('/sub'), await open('/stream'), await open('/sse')];
    await sse.bodyWith(':\n\n');
    await eventually(async () => {
      const { body } = await stack.rest.get(`/channels/${encodeURIComponent(cname)}`);
      return (body as { subscribers?: number }).subscribers === 3;
    }, 'three subscribers');
    const exit = leaving.terminate();
    const answer = await poll.answer();
    expect(answer.body).toBe(`${object('noop', cname, 5)}\n`);
    for (const raw of [poll, stream, sse]) await within(raw.closed, 'the connection closes');
    expect(sse.received).toMatch(/\r\n3\r\n:\n\n$/);
    expect(await exit).toMatchObject({ code: 0 });
  });
});
