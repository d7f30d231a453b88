/** What backends of iComet find on the api, byte by byte (apps/api/src/compat/icomet/PROTOCOL.md). */

import { channelKeys } from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';
import { type AskOptions, ask } from '../kit/icomet-backend.js';
import { connect } from '../kit/native-client.js';
import { getText, type RawAnswer, RawHttp, rawRequest } from '../kit/raw-http.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const BODY_MAX_BYTES = 100_000;
const OK = '{"type":"ok"}\n';
const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const PLAIN = 'text/plain; charset=utf-8';
const HOSTILE = 'a"b\\c\r\n\t\u0001\b</script>&+%=\u2028é𝄞';

const encode = encodeURIComponent;

function expectAnswer(answer: RawAnswer, status: string, type: string, body: string): void {
  expect(answer.statusLine).toBe(`HTTP/1.1 ${status}`);
  const [[first] = []] = answer.headers;
  expect(first).toBe('server');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    server: 'icomet 0.2.5',
    'content-type': type,
    'x-content-type-options': 'nosniff',
  });
  expect(answer.body).toBe(body);
}

function expectEmpty(answer: RawAnswer, status: string): void {
  expect(answer.statusLine).toBe(`HTTP/1.1 ${status}`);
  expect([...answer.headers][0]).toEqual(['server', 'icomet 0.2.5']);
  expect(answer.body).toBe('');
}

describe("iComet's backends", () => {
  const stack = useFleet({
    config: {
      namespaces: {
        ic: OPEN,
        small: { ...OPEN, maxPayloadBytes: 1_024 },
        plain: { subscribe: 'anyone' },
      },
    },
    apiEnv: {
      HALLEY_BODY_MAX_BYTES: String(BODY_MAX_BYTES),
      HALLEY_ICOMET_POLLING_TIMEOUT_SECONDS: '45',
      HALLEY_ICOMET_CHANNEL_TIMEOUT_SECONDS: '77',
    },
  });

  const call = (target: string, options?: AskOptions) =>
    ask(stack.fleet.api().port, target, options);
  const pushed = (cname: string, ...contents: string[]) =>
    contents.reduce(async (before, content) => {
      await before;
      await call(`/push?cname=${encode(cname)}&content=${encode(content)}`);
    }, Promise.resolve());
  /** Data of every kept message. */
  async function kept(channel: string): Promise<unknown[]> {
    const { body } = await stack.rest.get(`/channels/${encode(channel)}/messages`);
    return (body as { messages: { data: unknown }[] }).messages.map(({ data }) => data);
  }
  /** What a subscriber by iComet is told to ask for next. */
  async function nextSeq(cname: string): Promise<number> {
    const target = `/icomet/sub?cname=${encode(cname)}&seq=0`;
    const { body } = await rawRequest(stack.edge().port, getText(target));
    return (JSON.parse(body) as { seq: number }).seq;
  }
  async function listener(channel: string) {
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const hasOne = async () =>
      Number(await stack.redis.client.exists(channelKeys(channel).subscribers));
    await eventually(async () => (await hasOne()) === 1, `${channel} has listeners in the store`);
    return client;
  }

  describe('publishing', () => {
    test.each(['/push', '/icomet/push'])('IA-1 IA-9 IA-10 %s as in the manual', async (path) => {
      const client = await listener('12');
      const from = client.messages('12').length;
      expectAnswer(await call(`${path}?cname=12&content=hi`), '200 OK', SCRIPT, OK);
      const messages = await client.waitForMessages('12', from + 1);
      expect(messages.at(-1)).toMatchObject({ data: 'hi' });
      await client.close();
    });

    test('IA-10 hostile content arrives as it was sent, and an absent one is empty', async () => {
      const cname = channelIn('ic');
      await pushed(cname, HOSTILE);
      expectAnswer(await call(`/push?cname=${cname}`), '200 OK', SCRIPT, OK);
      expect(await kept(cname)).toEqual([HOSTILE, '']);
      const target = `/icomet/sub?cname=${cname}&seq=1`;
      const { body } = await rawRequest(stack.edge().port, getText(target));
      expect(JSON.parse(body)).toMatchObject([{ content: HOSTILE }, { content: '' }]);
    });

    test('IA-6 IA-10 raw UTF-8 in the URL, a lone %, and what is no UTF-8', async () => {
      const cname = channelIn('ic');
      expectAnswer(await call(`/push?cname=${cname}&content=ä%zz+100%`), '200 OK', SCRIPT, OK);
      const answer = await call(`/push?cname=${cname}&content=%FF`);
      expectAnswer(answer, '400 Bad Request', PLAIN, 'content= is not UTF-8\n');
      expect(await kept(cname)).toEqual(['ä%zz 100%']);
    });

    test('IA-10 /pub takes the inside of a JSON string, and nothing that would end it', async () => {
      const cname = channelIn('ic');
      const good = ['a\\"b\\n\\u4e2d', '', '\\ud800'];
      for (const content of good) {
        const answer = await call(`/pub?cname=${cname}&content=${encode(content)}`);
        expectAnswer(answer, '200 OK', SCRIPT, OK);
      }
      const why = 'content= must be the inside of a JSON string, without its quotes\n';
      for (const content of ['a"b', '","event":"x', 'a\\', '\n', '"', '\\x']) {
        const answer = await call(`/pub?cname=${cname}&content=${encode(content)}`);
        expectAnswer(answer, '400 Bad Request', PLAIN, why);
      }
      expect(await kept(cname)).toEqual(['a"b\n中', '', '\ud800']);
    });

    test('IA-6 a posted form comes before the URL', async () => {
      const cname = channelIn('ic');
      const post = (target: string, body: string | Uint8Array, type: string) =>
        call(target, { method: 'POST', body, headers: [`Content-Type: ${type}`] });
      const form = 'application/x-www-form-urlencoded';
      const forms: [string, string | Uint8Array, string][] = [
        [`/push?cname=other&content=url`, `cname=${cname}&content=a+b%2B%26&content=2`, form],
        [`/push?cname=${cname}&content=url`, '', form],
        [`/push?cname=${cname}&content=url`, 'x=1&content', form],
        [`/push?cname=${cname}`, 'content=ü', 'text/plain'],
        [`/pub?cname=${cname}`, 'content=%5Cn', form],
      ];
      for (const [target, body, type] of forms) {
        expectAnswer(await post(target, body, type), '200 OK', SCRIPT, OK);
      }
      expect(await kept(cname)).toEqual(['a b+&', 'url', '', 'ü', '\n']);
      const wrong = await post(`/push?cname=${cname}`, Uint8Array.of(99, 98, 61, 255), form);
      expectAnswer(wrong, '400 Bad Request', PLAIN, 'cb= is not UTF-8\n');
    });

    test('IA-6 a body over the limit is 413, by its length and by its bytes', async () => {
      const body = `content=${'x'.repeat(BODY_MAX_BYTES)}`;
      const why = `the body may have at most ${BODY_MAX_BYTES} bytes\n`;
      const byLength = await call('/push?cname=ic:x', { method: 'POST', body });
      expectAnswer(byLength, '413 Payload Too Large', PLAIN, why);
      const raw = await RawHttp.open(stack.fleet.api().port);
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const head = getText('/push?cname=ic:x', ['Transfer-Encoding: chunked']);
      raw.send(head.replace('GET', 'POST') + chunk);
      expectAnswer(await raw.answer(), '413 Payload Too Large', PLAIN, why);
      raw.close();
    });

    test('IA-11 IA-12 the namespace says how large a message may be', async () => {
      const cname = channelIn('small');
      const fits = 'x'.repeat(1_022);
      expectAnswer(await call(`/push?cname=${cname}&content=${fits}`), '200 OK', SCRIPT, OK);
      const why = 'content= has 1025 bytes as JSON; at most 1024 are allowed here\n';
      for (const path of ['/push', '/pub', '/broadcast']) {
        const answer = await call(`${path}?cname=${cname}&content=${fits}x`);
        expectAnswer(answer, '413 Payload Too Large', PLAIN, why);
      }
      expect(await kept(cname)).toEqual([fits]);
    });

    test('IA-8 cb is called with the answer, and is a name', async () => {
      const cname = channelIn('ic');
      const called = await call(`/push?cname=${cname}&content=1&cb=icomet_cb_0`);
      expectAnswer(called, '200 OK', SCRIPT, 'icomet_cb_0({"type":"ok"});\n');
      expect((await call(`/pub?cname=${cname}&content=1&cb=a.$b`)).body).toBe(
        'a.$b({"type":"ok"});\n',
      );
      expect((await call(`/push?cname=${cname}&content=1&cb=`)).body).toBe(OK);
      for (const path of ['/push', '/pub', '/sign']) {
        for (const cb of ['alert(1)', '1a', 'a;b', 'a b', '<', 'x'.repeat(129)]) {
          const answer = await call(`${path}?cname=ic:never&content=1&cb=${encode(cb)}`);
          expectAnswer(answer, '400 Bad Request', PLAIN, 'cb= must be names joined by dots\n');
        }
      }
      expect((await call('/check?cname=ic:never')).body).toBe('{}\n');
    });

    test('IA-10 concurrent messages get consecutive numbers', async () => {
      const cname = channelIn('ic');
      const contents = Array.from({ length: 10 }, (_, index) => `m${index}`);
      await Promise.all(contents.map((content) => call(`/push?cname=${cname}&content=${content}`)));
      const target = `/icomet/sub?cname=${cname}&seq=1`;
      const { body } = await rawRequest(stack.edge().port, getText(target));
      const got = JSON.parse(body) as { seq: number; content: string }[];
      expect(got.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(got.map(({ content }) => content).sort()).toEqual(contents);
    });

    test('IA-12 a broadcast reaches the channels with subscribers, and no others', async () => {
      const [one, two, idle] = [channelIn('ic'), channelIn('small'), channelIn('ic')];
      const other = channelIn('plain');
      await pushed(idle, 'before');
      const clients = await Promise.all([one, two, other].map((channel) => listener(channel)));
      const content = 'to "all"';
      const answer = await call(`/broadcast?content=${encode(content)}`);
      expectAnswer(answer, '200 OK', 'text/html; charset=ISO-8859-1', 'ok\n');
      for (const [index, channel] of [one, two].entries()) {
        const [message] = (await clients[index]?.waitForMessages(channel, 1)) ?? [];
        expect(message).toMatchObject({ data: content, event: 'broadcast', number: 1 });
      }
      expect(await kept(idle)).toEqual(['before']);
      await stack.rest.publish(other, 'after');
      const messages = await clients[2]?.waitForMessages(other, 1);
      expect(messages?.map(({ data }) => data)).toEqual(['after']);
      await Promise.all(clients.map((client) => client.close()));
    });
  });

  describe('names, methods and paths', () => {
    test('IA-7 a name is any text; in refusals and answers it is no page', async () => {
      for (const cname of ['', 'ä b/c"\\<', 'ic:❄\n']) {
        await pushed(cname, '1');
        const { body } = await call(`/check?cname=${encode(cname)}`);
        expect(body).toBe(`{${JSON.stringify(cname)}: 1}\n`);
      }
      const why = (cname: string) =>
        `channel[${cname}] is not served by icomet: its namespace lacks "icomet"\n`;
      const paths = ['/push', '/pub', '/sign', '/close', '/clear', '/info', '/check'];
      for (const path of paths) {
        const cname = 'plain:<b>';
        const answer = await call(`${path}?cname=${encode(cname)}`);
        expectAnswer(answer, '404 Not Found', PLAIN, why(cname));
        for (const impossible of ['x'.repeat(201), '@client:12']) {
          const refused = await call(`${path}?cname=${impossible}`);
          expectAnswer(refused, '400 Bad Request', PLAIN, 'cname= is too long or is reserved\n');
        }
      }
    });

    test('IA-5 methods', async () => {
      const cname = channelIn('ic');
      await pushed(cname, '1');
      for (const [path, allow, methods] of [
        ['/push', 'GET, POST', ['PUT', 'DELETE', 'HEAD']],
        ['/pub', 'GET, POST', ['PUT', 'DELETE']],
        ['/broadcast', 'GET', ['POST', 'PUT']],
      ] as const) {
        for (const method of methods) {
          const answer = await call(`${path}?cname=${cname}&content=2`, { method });
          expectEmpty(answer, '405 Invalid Method');
          expect(answer.headers.get('allow')).toBe(allow);
        }
      }
      for (const method of ['OPTIONS', 'PATCH']) {
        const answer = await call(`/close?cname=${cname}`, { method });
        expectEmpty(answer, '501 Not Implemented');
        expect(answer.headers.get('connection')).toBe('close');
      }
      expect(await kept(cname)).toEqual(['1']);
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const { body } = await call(`/check?cname=${cname}`, { method });
        expect(body).toBe(`{"${cname}": 1}\n`);
      }
    });

    test('IA-1 without the setting nobody knows the paths, nor with a version before them', async () => {
      const { port } = await stack.fleet.addApi({ HALLEY_ICOMET: '0' });
      for (const path of ['/push', '/icomet/push', '/psub']) {
        const { statusLine, headers } = await ask(port, `${path}?cname=ic:x&content=1`);
        expect(statusLine).toBe('HTTP/1.1 404 Not Found');
        expect(headers.get('content-type')).toBe('application/problem+json');
      }
      expect((await call('/v1/push?cname=ic:x')).statusLine).toBe('HTTP/1.1 404 Not Found');
    });
  });

  describe('who may', () => {
    const forged = [
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-For: 203.0.113.9',
      'Forwarded: for=127.0.0.1',
      'X-Real-IP: 127.0.0.1',
    ];

    async function expectRefused(port: number, options: AskOptions): Promise<void> {
      for (const path of ['/push', '/icomet/close', '/psub']) {
        const answer = await ask(port, `${path}?cname=ic:who`, options);
        expectEmpty(answer, '403 Forbidden');
        expect(answer.headers.get('connection')).toBe('close');
      }
    }

    test('IA-2 an address outside the list is refused, before its method is looked at', async () => {
      const { port } = stack.fleet.api();
      await expectRefused(port, { from: '127.0.0.2' });
      await expectRefused(port, { from: '127.0.0.2', method: 'OPTIONS' });
      const api = await stack.fleet.addApi({ HALLEY_ICOMET_ALLOW: '127.0.0.2/31' });
      await expectRefused(api.port, { from: '127.0.0.1' });
      const { body } = await ask(api.port, '/check?cname=ic:who', { from: '127.0.0.3' });
      expect(body).toBe('{}\n');
    });

    test.each(forged)(
      'IA-3 a proxy that nobody has named stands in between: %s',
      async (header) => {
        await expectRefused(stack.fleet.api().port, { headers: [header] });
      },
    );

    test('IA-3 the word of a trusted proxy counts, as far as it can be read', async () => {
      const { port } = await stack.fleet.addApi({ HALLEY_TRUSTED_PROXIES: '127.0.0.3' });
      const from = '127.0.0.3';
      for (const headers of [
        [],
        ['X-Forwarded-For: 203.0.113.9'],
        ['X-Forwarded-For: 127.0.0.1, 203.0.113.9'],
        ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-For: 203.0.113.9'],
        ['X-Forwarded-For: unknown, 127.0.0.1'],
        ['X-Forwarded-For: '],
        ['Forwarded: for=127.0.0.1'],
        ['X-Real-IP: 127.0.0.1'],
      ]) {
        await expectRefused(port, { from, headers });
      }
      for (const told of ['127.0.0.1', '203.0.113.9, 127.0.0.1:4711', '127.0.0.1, 127.0.0.3']) {
        const headers = [`X-Forwarded-For: ${told}`, 'X-Real-IP: 127.0.0.1'];
        const { body } = await ask(port, '/check?cname=ic:who', { from, headers });
        expect(body).toBe('{}\n');
      }
      await expectRefused(port, { headers: ['X-Forwarded-For: 127.0.0.1'] });
      expect((await ask(port, '/check?cname=ic:who')).body).toBe('{}\n');
    });

    test('IA-3 a trusted proxy that is itself allowed cannot lend that to who hides', async () => {
      const { port } = await stack.fleet.addApi({ HALLEY_TRUSTED_PROXIES: '127.0.0.1' });
      await expectRefused(port, { headers: ['X-Forwarded-For: unknown'] });
      await expectRefused(port, { headers: ['X-Real-IP: 203.0.113.9'] });
      expect((await ask(port, '/check?cname=ic:who')).body).toBe('{}\n');
    });

    test('IA-4 a page of another site is refused, and nobody is told of CORS', async () => {
      const { port } = stack.fleet.api();
      await expectRefused(port, { headers: ['Sec-Fetch-Site: cross-site'] });
      for (const site of ['none', 'same-origin', 'same-site']) {
        const headers = [`Sec-Fetch-Site: ${site}`, 'Origin: http://127.0.0.1'];
        const answer = await ask(port, '/check?cname=ic:who', { headers });
        expect(answer.body).toBe('{}\n');
        expect(answer.headers.has('access-control-allow-origin')).toBe(false);
      }
    });
  });

  describe('channels', () => {
    async function signed(target: string) {
      const answer = await call(target);
      expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
      return JSON.parse(answer.body) as { seq: number; token: string; expires: number };
    }

    test('IA-13 /sign gives a token, the same while it lives', async () => {
      const cname = `${channelIn('ic')}"<`;
      const { icometToken } = channelKeys(`${cname.slice(0, -2)}~22~3C`);
      const target = `/sign?cname=${encode(cname)}`;
      const answers = await Promise.all(Array.from({ length: 5 }, () => call(target)));
      const token = await stack.redis.client.get(icometToken);
      expect(token).toMatch(/^[0-9a-f]{32}$/);
      const name = `"${cname.replace('"', '\\"')}"`;
      const head = `{"type":"sign","cname":${name},"seq":1,"token":"${token}"`;
      const text = `${head},"expires":77,"sub_timeout":45}`;
      for (const answer of answers) expectAnswer(answer, '200 OK', JSON_TYPE, `${text}\n`);
      const called = await call(`${target}&cb=icomet_cb`);
      const argument = text.replace('<', '\\u003c');
      expectAnswer(called, '200 OK', SCRIPT, `icomet_cb(${argument});\n`);
      await stack.redis.client.del(icometToken);
      expect((await signed(target)).token).not.toBe(token);
    });

    test('IA-13 expires is the life of the token from now on, longer or shorter', async () => {
      const cname = channelIn('ic');
      const { icometToken } = channelKeys(cname);
      for (const [expires, seconds] of [
        ['600', 600],
        ['5', 5],
        ['', 77],
        ['0', 77],
        ['-3', 77],
        ['soon', 77],
        ['+90s', 90],
        ['31536000', 31_536_000],
      ] as const) {
        const answer = await signed(`/sign?cname=${cname}&expires=${encode(expires)}`);
        expect(answer.expires).toBe(seconds);
        const leftMs = await stack.redis.client.pttl(icometToken);
        expect(leftMs).toBeLessThanOrEqual(seconds * 1_000);
        expect(leftMs).toBeGreaterThan(seconds * 1_000 - 4_000);
      }
      for (const expires of ['31536001', '9'.repeat(400)]) {
        const answer = await call(`/sign?cname=${cname}&expires=${expires}`);
        const why = 'expires= may be at most 31536000 seconds\n';
        expectAnswer(answer, '400 Bad Request', PLAIN, why);
      }
    });

    test('IA-13 seq is the oldest number that is kept, at most 10 back', async () => {
      const cname = channelIn('ic');
      const target = `/sign?cname=${cname}`;
      await pushed(cname, '1', '2', '3');
      expect((await signed(target)).seq).toBe(1);
      await pushed(cname, ...Array.from({ length: 9 }, (_, index) => `${index}`));
      expect((await signed(target)).seq).toBe(3);
      await call(`/clear?cname=${cname}`);
      expect((await signed(target)).seq).toBe(13);
    });

    test('IA-13 numbers survive a log that has expired', async () => {
      const cname = channelIn('ic');
      await pushed(cname, '1', '2');
      await stack.redis.client.del(channelKeys(cname).log);
      expect((await signed(`/sign?cname=${cname}`)).seq).toBe(3);
      await pushed(cname, '3');
      expect((await signed(`/sign?cname=${cname}`)).seq).toBe(3);
      expect(await nextSeq(cname)).toBe(4);
    });

    test('IA-13 numbers are 32 bits with a sign', async () => {
      const cname = channelIn('ic');
      await stack.redis.client.set(channelKeys(cname).number, 2 ** 31 - 1);
      expect((await signed(`/sign?cname=${cname}`)).seq).toBe(-(2 ** 31));
      const answer = await call(`/close?cname=${cname}`);
      expectAnswer(answer, '200 OK', HTML, 'ok -2147483648\n');
    });

    test('IA-14 IA-15 /close ends what there is, but for the number', async () => {
      const cname = channelIn('ic');
      await pushed(cname, '1', '2');
      const { token } = await signed(`/sign?cname=${cname}`);
      const native = await listener(cname);
      const stream = await RawHttp.open(stack.edge().port);
      stream.send(getText(`/icomet/stream?cname=${cname}`));
      await stream.bodyWith('next_seq');
      expectAnswer(await call(`/close?cname=${cname}`), '200 OK', HTML, 'ok 3\n');
      const { body, isWhole } = await stream.answer();
      expect(isWhole).toBe(true);
      const last = JSON.stringify({ type: 'close', cname, seq: 3, content: '' });
      expect(body.endsWith(`${last}\n`)).toBe(true);
      await native.next('unsubscribed', (frame) => frame.channel === cname);
      await native.close();
      expect(await kept(cname)).toEqual([]);
      expect(await stack.redis.client.get(channelKeys(cname).icometToken)).toBeNull();
      // The channel's last listener leaves the store a moment later.
      await eventually(
        async () => (await call(`/check?cname=${cname}`)).body === '{}\n',
        'the closed channel is not known any more',
      );
      const again = await call(`/close?cname=${cname}`);
      expectAnswer(again, '404 Not Found', PLAIN, `channel[${cname}] not connected\n`);
      expect((await signed(`/sign?cname=${cname}`)).token).not.toBe(token);
      await pushed(cname, '3');
      expect(await nextSeq(cname)).toBe(4);
    });

    test('IA-14 IA-15 /clear takes the history away and nothing else', async () => {
      const cname = channelIn('ic');
      const unknown = await call(`/clear?cname=${cname}`);
      expectAnswer(unknown, '404 Not Found', PLAIN, `channel[${cname}] not connected\n`);
      await pushed(cname, '1', '2');
      const { token } = await signed(`/sign?cname=${cname}`);
      for (let times = 0; times < 2; times += 1) {
        expectAnswer(await call(`/clear?cname=${cname}`), '200 OK', HTML, 'ok 3\n');
        expect(await kept(cname)).toEqual([]);
      }
      expect((await signed(`/sign?cname=${cname}`)).token).toBe(token);
      await pushed(cname, '3');
      expect(await kept(cname)).toEqual(['3']);
      expect(await nextSeq(cname)).toBe(4);
    });

    test('IA-15 IA-16 /check and /info of one channel', async () => {
      const cname = channelIn('ic');
      const check = (name: string) => call(`/check?cname=${encode(name)}`);
      const subscribers = (name: string) => call(`/info?cname=${encode(name)}`);
      expectAnswer(await check(cname), '200 OK', JSON_TYPE, '{}\n');
      const none = `{"cname": "${cname}", "subscribers": 0}\n`;
      expectAnswer(await subscribers(cname), '200 OK', JSON_TYPE, none);
      await stack.redis.client.set(channelKeys(cname).number, 7);
      expectAnswer(await check(cname), '200 OK', JSON_TYPE, '{}\n');
      const client = await listener(cname);
      expectAnswer(await check(cname), '200 OK', JSON_TYPE, `{"${cname}": 1}\n`);
      const one = `{"cname": "${cname}", "subscribers": 1}\n`;
      expectAnswer(await subscribers(cname), '200 OK', JSON_TYPE, one);
      await client.close();
      const hostile = `${cname}"\\\n<`;
      const quoted = JSON.stringify(hostile);
      expect((await subscribers(hostile)).body).toBe(`{"cname": ${quoted}, "subscribers": 0}\n`);
      await call(`/sign?cname=${encode(hostile)}`);
      expect((await check(hostile)).body).toBe(`{${quoted}: 1}\n`);
    });
  });
});
