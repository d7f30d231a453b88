/** Clients that are slow on purpose, or want much for little: each is ended in time, and costs little. */

import { describe, expect, test } from 'vitest';
import { residentBytes } from '../kit/memory.js';
import { connect } from '../kit/native-client.js';
import { getText, RawHttp } from '../kit/raw-http.js';
import { useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

/** uWebSockets.js gives a request 10 s, counted in steps of 4 s; what trickles does not put it off. */
const REQUEST_DEADLINE_MS = 3 * 14_000;
const TRICKLE_INTERVAL_MS = 500;
const HALF_REQUESTS = 200;
const PIPELINED = 3_000;
const GROWTH_MAX_BYTES = 48 * 1_048_576;

const stack = useFleet();

const HEAD = 'GET /healthz HTTP/1.1\r\nHost: halley\r\n';
const POST = [
  'POST /v1/frames HTTP/1.1',
  'Host: halley',
  'Content-Type: application/json',
  '',
].join('\r\n');
const API_POST = [
  'POST /channels/demo:x/messages HTTP/1.1',
  'Host: halley',
  'Authorization: Bearer dev-key',
  'Content-Type: application/json',
  '',
].join('\r\n');
const LENGTH = 'Content-Length: 100000\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';

/** What is sent, and what is sent again and again. */
const SLOW: readonly [what: string, begin: string, again: string][] = [
  ['nothing', '', ''],
  ['half of a head', HEAD, ''],
  ['a header that grows', `${HEAD}X: `, 'x'],
  ['more and more headers', HEAD, 'X: y\r\n'],
  ['a head that is not taken', `${HEAD}X Y: z\r\n\r\n`, ''],
  ['a body that does not come', POST + LENGTH, ''],
  ['a body that trickles', POST + LENGTH, ' '],
  ['chunks that trickle', POST + CHUNKED, '1\r\n \r\n'],
];

async function ends(port: number, begin: string, again: string): Promise<void> {
  const raw = await RawHttp.open(port);
  if (begin !== '') raw.send(begin);
  const timer = setInterval(() => again !== '' && raw.send(again), TRICKLE_INTERVAL_MS);
  try {
    await within(raw.closed, 'the server ends it', REQUEST_DEADLINE_MS);
  } finally {
    clearInterval(timer);
    raw.close();
  }
}

describe('slow requests', () => {
  test('each is ended, however many there are, and others are served meanwhile', async () => {
    const good = await connect(stack.ws());
    await good.subscribe('demo:meanwhile');
    const edge = stack.edge().port;
    const api = stack.fleet.api().port;
    const all = SLOW.flatMap(([, begin, again]) => [
      ends(edge, begin, again),
      ends(api, begin.replace(POST, API_POST), again),
    ]);
    const crowd = Array.from({ length: HALF_REQUESTS }, () => ends(edge, `${HEAD}X: `, ''));
    const { status } = await stack.rest.publish('demo:meanwhile', 'hello');
    expect(status).toBe(201);
    await good.next('message');
    await Promise.all([...all, ...crowd]);
    await stack.rest.publish('demo:meanwhile', 'again');
    await good.next('message', ({ data }) => data === 'again');
    await good.close();
  }, 60_000);
});

describe('answers that nobody reads', () => {
  test.each([
    ['edge', '/sdk.js', () => stack.edge()],
    ['edge', '/demo', () => stack.edge()],
    ['edge', '/healthz', () => stack.edge()],
    ['api', '/openapi.json', () => stack.fleet.api()],
    ['api', '/nothing', () => stack.fleet.api()],
  ])('%s %s, asked 3,000 times at once: memory is bounded', async (_, target, service) => {
    const one = service();
    const before = residentBytes(one);
    const raw = await RawHttp.open(one.port);
    raw.socket.pause();
    raw.send(getText(target).repeat(PIPELINED));
    // Whoever asks after them is answered after them.
    for (let round = 0; round < 3; round += 1) {
      const other = await RawHttp.open(one.port);
      other.send(getText('/healthz'));
      expect((await other.answer()).statusLine).toBe('HTTP/1.1 200 OK');
      expect(residentBytes(one) - before).toBeLessThan(GROWTH_MAX_BYTES);
      other.close();
    }
    raw.close();
  });

  test('a large answer that is read late is whole', async () => {
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(getText('/sdk.js'));
    const { body } = await raw.answer();
    const slow = await RawHttp.open(stack.edge().port);
    slow.socket.pause();
    slow.send(getText('/sdk.js'));
    const other = await RawHttp.open(stack.edge().port);
    other.send(getText('/healthz'));
    await other.answer();
    slow.socket.resume();
    expect((await slow.answer()).body).toBe(body);
    for (const one of [raw, slow, other]) one.close();
  });
});
