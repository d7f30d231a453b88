/** Heads of what browsers open or load: no inline script, no guessed types, no frames by strangers. */

import { describe, expect, test } from 'vitest';
import { addMegacomet } from '../kit/megacomet-client.js';
import { getText, type RawAnswer, RawHttp } from '../kit/raw-http.js';
import { useFleet } from '../kit/use-fleet.js';

const ORIGIN = 'https://site.example';
const stack = useFleet({
  config: { namespaces: { ic: { icomet: true, subscribe: 'anyone' } } },
  env: { HALLEY_ICOMET: '1', HALLEY_ORIGINS: ORIGIN },
});

const KEY = ['Authorization: Bearer dev-key'];

/** The answer so far: some have no end. */
async function answerTo(port: number, target: string, headers: string[] = []): Promise<RawAnswer> {
  const raw = await RawHttp.open(port);
  try {
    raw.send(getText(target, headers));
    const hasEnd = !/\/(?:sse|stream|iframe)\b/.test(target);
    return hasEnd ? await raw.answer() : await raw.bodyWith('');
  } finally {
    raw.close();
  }
}

/** A script that stands in the page itself, without the nonce of its policy. */
function inlineScripts({ body }: RawAnswer): string[] {
  return [...body.matchAll(/<script(?![^>]* (?:src|nonce)=)[^>]*>/g)].map(([tag]) => tag);
}

const EDGE = [
  '/demo',
  '/demo/main.js',
  '/demo/hints.json',
  '/sdk.js',
  '/healthz',
  '/nothing',
  '/v1/poll?channel=demo:p&wait=0',
  '/v1/poll?channel=demo:p&wait=0&callback=cb',
  '/v1/poll?channel=%3Cscript%3E',
  '/v1/sse?channel=demo:p',
  '/v1/stream?channel=demo:p',
  '/icomet/ping',
  '/icomet/sub?cname=demo:p&cb=alert(1)',
  '/icomet/sub?cname=x',
  '/dps/poll',
];
const API = ['/healthz', '/readyz', '/openapi.json', '/metrics', '/nothing', '/channels', '/edges'];

describe('heads', () => {
  test.each(EDGE)('edge %s', async (target) => {
    const { headers, body } = await answerTo(stack.edge().port, target);
    expect(headers.get('content-type')).toBeDefined();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    // The one page of an edge, which has its policy below, is /demo.
    expect(headers.get('content-type')?.startsWith('text/html')).toBe(target === '/demo');
    expect(body).not.toContain('<script>alert');
  });

  test.each(API)('api %s', async (target) => {
    const { headers } = await answerTo(stack.fleet.api().port, target, KEY);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-type')).not.toContain('html');
  });

  test('MegaComet: refusals, and a script', async () => {
    const door = await addMegacomet(stack);
    const refused = await answerTo(door.port, '/ann.js?callback=alert(1)');
    expect(refused.statusLine).toContain(' 400 ');
    expect(refused.headers.get('x-content-type-options')).toBe('nosniff');
    const raw = await RawHttp.open(door.port);
    raw.send(getText('/ann.js?callback=cb'));
    await stack.rest.publishPrivate('ann', '\u2028</script>');
    const answer = await raw.answer();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-type')).toContain('javascript');
    expect(answer.body).toMatch(/^\/\*\*\/cb\("\\u2028<\/script>"\);/);
    raw.close();
  });
});

describe('policies', () => {
  test('the demo runs its own files only, in no frame, and tells nobody its address', async () => {
    const page = await answerTo(stack.edge().port, '/demo');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(inlineScripts(page)).toEqual([]);
  });

  test("iComet's iframe runs scripts with its nonce only, in frames of allowed origins", async () => {
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(getText('/icomet/iframe?cname=ic:p'));
    const answer = await raw.bodyWith('"next_seq"');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'nonce-[\w-]{22}'; /);
    expect(policy).toContain(`frame-ancestors ${ORIGIN}`);
    expect(policy).not.toContain('unsafe');
    expect(answer.body.split('<script')).toHaveLength(3);
    expect(inlineScripts(answer)).toEqual([]);
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    raw.close();
  });
});

describe('JSONP', () => {
  test('line separators are escaped, and a guard stands before the name', async () => {
    const { id } = (await stack.rest.publish('demo:jsonp', '\u2028\u2029')).body as { id: string };
    expect(id).toBeDefined();
    const { body, headers } = await answerTo(
      stack.edge().port,
      '/v1/poll?channel=demo:jsonp&last=1&after=0-0&wait=0&callback=a.b',
    );
    expect(headers.get('content-type')).toContain('javascript');
    expect(body).toMatch(/^\/\*\*\/a\.b\(/);
    expect(body).not.toMatch(/[\u2028\u2029]/);
  });

  test.each(['alert(1)', 'a%20b', 'a;b', 'a%0d%0aX-Injected:%201', '%E2%80%A8', 'x'.repeat(129)])(
    'callback %s is refused by name',
    async (callback) => {
      const answer = await answerTo(
        stack.edge().port,
        `/v1/poll?channel=demo:p&wait=0&callback=${callback}`,
      );
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'bad-callback' });
      expect(answer.headers.has('x-injected')).toBe(false);
    },
  );
});

describe('injection', () => {
  const BAD = 'a\r\nX-Injected: 1\r\n\r\ndata: injected\n\n';

  test.each(['channel', 'after', 'cursor', 'token', 'callback', 'last'])(
    'line ends in %s= reach neither a head nor a stream',
    async (name) => {
      const target = `/v1/sse?channel=demo:i&${name}=${encodeURIComponent(BAD)}`;
      const { headers, body } = await answerTo(stack.edge().port, target);
      expect(headers.has('x-injected')).toBe(false);
      expect(body).not.toMatch(/^data: injected/m);
    },
  );

  test('line ends in data, event and key of a message make no line of a stream', async () => {
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(getText('/v1/sse?channel=demo:lines'));
    await raw.bodyWith('"subscribed"');
    await stack.rest.publish('demo:lines', BAD, { event: 'e\n\ndata: injected\n\n', key: BAD });
    await stack.rest.publish('demo:lines', BAD);
    await stack.rest.publish('demo:lines', 'the last');
    const { body } = await raw.bodyWith('the last');
    expect(body).not.toMatch(/^data: injected|^X-Injected/m);
    raw.close();
  });

  test('an Origin with line ends is not told back', async () => {
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(getText('/healthz', ['Origin: https://a\tb', 'X-Request-Id: a']));
    expect((await raw.answer()).headers.has('access-control-allow-origin')).toBe(false);
    raw.close();
  });
});
