/** The corpus: what is sent to each port. A case is made by its seed and its number alone. */

import { makeInput } from '../fuzz/decode-inputs.js';
import { makeStream } from '../fuzz/megacomet-inputs.js';
import type { Random } from '../kit/random.js';
import { type FrameFields, frameBytes, OPCODE, upgradeText } from '../kit/raw-websocket.js';
import { jsonBody, mutated, nastyQuery, noise, URL_VALUES } from './nasty.js';

/** Sent on a connection of its own. */
export interface Attack {
  readonly bytes: Buffer;
  /** WebSocket frames, sent once the upgrade was answered. */
  readonly frames?: readonly Buffer[];
}

export type MakeAttack = (random: Random) => Attack;

interface Request {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const HEADER_NAMES = [
  'Origin',
  'Authorization',
  'Last-Event-ID',
  'Content-Type',
  'Cookie',
  'Accept-Encoding',
  'If-None-Match',
  'X-Forwarded-For',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Version',
  'Upgrade',
  'Connection',
  'Content-Length',
  'Transfer-Encoding',
  'Expect',
  'Host',
];
const HEADER_VALUES = [
  ...URL_VALUES.filter((value) => value.length < 100),
  'null',
  'http://evil.example',
  'Bearer x',
  'Basic Zm9v',
  'bearer.x, halley.v1',
  'permessage-deflate; server_max_window_bits=99',
  'x'.repeat(3_000),
  '\u00ff\u00fe',
  '1.2.3.4, ::1, unknown, 999.1.1.1',
  'chunked',
  '100-continue',
  'gzip;q=x, *;q=0',
  '"',
];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'X', 'get'];
const MAX_FRAMES = 6;

function requestBytes({ method, target, headers = {}, body }: Request): Buffer {
  const all: Record<string, string> = { Host: 'halley', ...headers };
  if (body !== undefined) all['Content-Length'] ??= String(body.length);
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const head = `${[`${method} ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.of()]);
}

/** A request with something wrong in its method, target, headers or bytes. */
function hostileRequest(request: Request, random: Random): Buffer {
  const [path = '', query = ''] = request.target.split('?');
  const asked = random.chance(0.7) ? nastyQuery(query, random) : query;
  const target = asked === '' ? path : `${path}?${asked}`;
  const method = random.chance(0.1) ? random.pick(METHODS) : request.method;
  const headers = { ...request.headers };
  if (random.chance(0.3)) headers[random.pick(HEADER_NAMES)] = random.pick(HEADER_VALUES);
  const bytes = requestBytes({ ...request, method, target, headers });
  return random.chance(0.25) ? mutated(bytes, random) : bytes;
}

/** What no port expects: noise, the beginning of TLS, of HTTP/2, of other protocols. */
export function rawAttack(random: Random): Attack {
  const bytes = random.weighted([
    [3, noise(random, random.int(1, 2_000))],
    [1, Buffer.concat([Buffer.from('16030100f1010000ed0303', 'hex'), noise(random, 236)])],
    [1, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')],
    [1, Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n')],
    [1, Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'), noise(random, 12)])],
    [1, Buffer.alloc(random.int(1, 5_000), random.pick([0, 10, 13, 32, 65, 255]))],
  ]);
  return { bytes };
}

export function requestAttack(requests: readonly Request[]): MakeAttack {
  return (random) => {
    if (random.chance(0.08)) return rawAttack(random);
    const one = () => {
      const request = random.pick(requests);
      const takesBody = request.body !== undefined;
      return hostileRequest(takesBody ? { ...request, body: jsonBody(random) } : request, random);
    };
    return { bytes: random.chance(0.1) ? Buffer.concat([one(), one()]) : one() };
  };
}

/** Upgrades, most of them right, with frames behind them that are not. */
export function socketAttack(target: string): MakeAttack {
  return (random) => {
    const [path = '', query = ''] = target.split('?');
    const asked = random.chance(0.2) ? `${path}?${nastyQuery(query, random)}` : target;
    const more = random.chance(0.2)
      ? [`${random.pick(HEADER_NAMES)}: ${random.pick(HEADER_VALUES)}`]
      : [];
    const upgrade = Buffer.from(upgradeText(asked, more), 'latin1');
    const bytes = random.chance(0.05) ? mutated(upgrade, random) : upgrade;
    const frames = Array.from({ length: random.int(1, MAX_FRAMES) }, () => hostileFrame(random));
    return { bytes, frames };
  };
}

function hostileFrame(random: Random): Buffer {
  const at = random.next();
  if (at < 0.7) return frameBytes({ opcode: OPCODE.text, payload: frameText(random) });
  if (at < 0.8) return noise(random, random.int(1, 200));
  const fields: FrameFields = {
    opcode: random.int(0, 15),
    isLast: random.chance(0.7),
    reserved: random.chance(0.3) ? random.int(0, 7) : 0,
    isMasked: random.chance(0.9),
    payload: random.chance(0.5) ? noise(random, random.int(0, 200)) : frameText(random),
    ...(random.chance(0.1) && { declaredBytes: BigInt(random.int(0, 2 ** 31)) ** 2n }),
  };
  return frameBytes(fields);
}

function frameText(random: Random): Buffer {
  const text = Buffer.from(random.chance(0.3) ? jsonBody(random) : makeInput(random).text);
  return random.chance(0.2) ? mutated(text, random) : text;
}

export function managerAttack(random: Random): Attack {
  if (random.chance(0.1)) return rawAttack(random);
  const stream = managerStream(random);
  return { bytes: random.chance(0.5) ? mutated(stream, random) : stream };
}

function managerStream(random: Random): Buffer {
  if (random.chance(0.3)) return Buffer.concat([jsonBody(random), Buffer.from('\n')]);
  const limits = { idMaxBytes: 200, messageMaxBytes: 65_536, lineMaxBytes: 69_632 };
  return makeStream(random, ['ann', 'bob'], limits, random.int(1, 4));
}

const get = (target: string, headers: Request['headers'] = {}): Request => ({
  method: 'GET',
  target,
  headers,
});
const post = (target: string): Request => ({
  method: 'POST',
  target,
  headers: JSON_TYPE,
  body: Buffer.of(),
});

/** The paths of an edge's shared port, whatever wire they belong to. */
export const EDGE_REQUESTS: readonly Request[] = [
  get('/v1/sse?channel=demo:a&after=0-0'),
  get('/v1/sse?channel=demo:a&channel=demo:b&cursor=x', { 'Last-Event-ID': '0-0' }),
  get('/v1/stream?channel=demo:a&token=x'),
  get('/v1/poll?channel=demo:a&cursor=&wait=0&callback=cb'),
  get('/v1/poll?channel=demo:a&wait=1'),
  post('/v1/frames?token=x'),
  post('/v1/frames'),
  get('/icomet/sub?cname=demo:a&seq=0&noop=0&token=x&cb=cb'),
  get('/icomet/poll?cname=demo:a&seq=1'),
  get('/icomet/stream?cname=demo:a&seq=1'),
  get('/icomet/iframe?cname=demo:a&seq=1'),
  get('/icomet/sse?cname=demo:a&seq=1'),
  get('/icomet/ping?cb=cb'),
  get('/sub?cname=demo:a'),
  post('/dps/poll?channels=demo:a&session=s&seq=0'),
  post('/dps/push?channel=demo:a'),
  get('/sdk.js', { 'Accept-Encoding': 'gzip', 'If-None-Match': '"x"' }),
  get('/demo'),
  get('/demo/hints.json'),
  post('/demo/private'),
  post('/demo/cut'),
  get('/healthz'),
  get('/readyz'),
  get('/nothing?x=y'),
];

export const ADMIN_REQUESTS: readonly Request[] = [
  get('/healthz'),
  get('/readyz?x=y'),
  get('/metrics?x=y'),
  get('/nothing'),
];

export const DPS_REQUESTS: readonly Request[] = [
  post('/poll?channels=demo:a,demo:b&session=s&seq=0&client=ann'),
  post('/push?channel=demo:a'),
  get('/poll?channels=demo:a'),
];

export const MEGACOMET_REQUESTS: readonly Request[] = [
  get('/ann.js'),
  get('/bob.js?callback=cb&token=x'),
  get('/%e4%b8%ad.123.js?callback=a.b'),
  get('/'),
];

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Every call that /openapi.json knows, with names in its path. */
export function apiRequests(description: unknown, key: string): Request[] {
  return Object.entries((description as Description).paths).flatMap(([path, calls]) =>
    Object.keys(calls).flatMap((method) => {
      const request = { method: method.toUpperCase(), headers: authorized(key) };
      const query = '?after=0-0&limit=1&prefix=a&ids=ann';
      return ['demo:a', ...API_NAMES].map((name) => ({
        ...request,
        target: path.replaceAll(/\{\w+\}/g, name) + (method === 'get' ? query : ''),
        ...(method !== 'get' && { body: Buffer.of() }),
      }));
    }),
  );
}

const API_NAMES = ['ann', '%00', '%ff', 'a'.repeat(300), '__proto__', '..%2f..', '%0d%0aX: y'];

function authorized(key: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${key}`, ...JSON_TYPE };
}
