/** Who gets which message of MegaComet, and what becomes of requests that wait (adapters/megacomet/PROTOCOL.md). */

import { clientKeys } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HeldLink, openHeldLink } from '../kit/held-link.js';
import {
  addMegacomet,
  type MegacometClient,
  type MegacometDoor,
  requestOf,
} from '../kit/megacomet-client.js';
import { connect } from '../kit/native-client.js';
import { publishAll, ready } from '../kit/streams.js';
import { tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const PRESENCE_MS = 1_000;
const ABORTED = 200;
/** uWS closes a connection that is idle within a request for longer than this. */
const IDLE_TIMEOUT_MS = 10_000;

describe('a message of MegaComet', () => {
  const stack = useFleet({
    edges: 0,
    edgeEnv: { HALLEY_POLL_PRESENCE_MS: String(PRESENCE_MS) },
  });
  let door: MegacometDoor;
  let otherDoor: MegacometDoor;
  let link: HeldLink;
  let heldDoor: MegacometDoor;
  let patient: MegacometClient;
  let patientSinceMs: number;
  let unfinished: MegacometClient;

  beforeAll(async () => {
    link = await openHeldLink(stack.redis.url);
    [door, otherDoor, heldDoor] = await Promise.all([
      addMegacomet(stack),
      addMegacomet(stack),
      addMegacomet(stack, { REDIS_URL: link.url, HALLEY_REDIS_TIMEOUT_MS: '10000' }),
    ]);
    // Waits on the second edge while the other tests run.
    [patient] = (await otherDoor.park('patient')) as [MegacometClient];
    patientSinceMs = performance.now();
    unfinished = await otherDoor.send('GET /unfinished.js HTTP/1.1\r\nHost: comet\r\n');
  });

  afterAll(() => link.stop());

  async function publish(client: string, data: unknown): Promise<void> {
    expect(await stack.rest.publishPrivate(client, data)).toMatchObject({ status: 201 });
  }

  const next = async (client: string, at = door) => (await at.ask(client)).message();

  /** Nothing has come, and it is still open. */
  function waits(client: MegacometClient): boolean {
    return client.received.length === 0 && !client.socket.closed;
  }

  /** Which of several got an answer; the others wait. */
  async function answered(clients: readonly MegacometClient[]): Promise<MegacometClient> {
    const first = () => clients.find((client) => !waits(client));
    return eventually(first, 'one of the requests is answered');
  }

  test('M-10 M-11 the conversation, byte for byte', async () => {
    await publish('bytes', 'Hi "Sue" \u00e9\u{1f600}\n');
    const client = await door.ask('bytes');
    const text = (await client.ended()).toString();
    expect(text.replace(/^(Date: ).*$/m, '$1<now>').split('\r\n')).toEqual([
      'HTTP/1.1 200 OK',
      'Content-Type: text/javascript; charset=utf-8',
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      'Connection: close',
      'Date: <now>',
      'uWebSockets: 20',
      'Content-Length: 16',
      '',
      'Hi "Sue" \u00e9\u{1f600}\n',
    ]);
  });

  test('M-10 what came before the requests: the oldest first, one for each', async () => {
    await publishAll(stack.rest, { client: 'before' }, ['one', 'two', 'three']);
    expect(await next('before')).toBe('one');
    expect(await next('before', otherDoor)).toBe('two');
    expect(await next('before')).toBe('three');
  });

  test('M-10 M-20 what comes while requests wait, on either edge', async () => {
    for (const at of [door, otherDoor, door]) {
      const [client] = await at.park('while');
      await publish('while', at.port);
      expect(await client?.message()).toBe(String(at.port));
    }
  });

  test.each([
    ['"text"', 'text'],
    ['""', ''],
    ['"\\u2028\\ud83d\\ude00\\u0000"', '\u2028\u{1f600}\0'],
    ['{"a": 1.0, "b":[9223372036854775807]}', '{"a": 1.0, "b":[9223372036854775807]}'],
    ['null', 'null'],
    ['false', 'false'],
    ['[ "a" ]', '[ "a" ]'],
  ])('M-12 published %s', async (json, body) => {
    const text = `{"data":${json}}`;
    const answer = await stack.rest.call('POST', '/clients/raw/messages', { text });
    expect(answer.status).toBe(201);
    expect(await next('raw')).toBe(body);
  });

  test('M-12 a message of the largest size comes whole', async () => {
    const text = '\u20ac'.repeat(20_000);
    await publish('large', text);
    expect(await next('large')).toBe(text);
  });

  test.each([
    ['f', 'text', '/**/f("text");'],
    ['app.$on_1', { a: 1 }, '/**/app.$on_1({"a":1});'],
    ['f', '\u2028\u2029', '/**/f("\\u2028\\u2029");'],
  ])('M-13 callback=%s', async (name, data, body) => {
    await publish('script', data);
    const client = await door.send(requestOf(`/script.js?c=1&callback=${name}`));
    const { headers, body: got } = await client.answer();
    expect(got.toString()).toBe(body);
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  test('M-21 requests wait on two edges: each message is given once, and none is left out', async () => {
    const waiting = [...(await door.park('both')), ...(await otherDoor.park('both'))];
    await publish('both', 1);
    const first = await answered(waiting);
    expect(await first.message()).toBe('1');
    const [second] = waiting.filter((client) => client !== first);
    await publish('both', 2);
    expect(await second?.message()).toBe('2');
    await publish('both', 3);
    expect(await next('both')).toBe('3');
  });

  test('M-21 many requests on two edges, many messages at once: each exactly once', async () => {
    const data = Array.from({ length: 40 }, (_, index) => index);
    const doors = data.map((index) => (index % 2 === 0 ? door : otherDoor));
    const half = await Promise.all(doors.slice(0, 20).map((at) => at.ask('crowd')));
    const [, rest] = await Promise.all([
      publishAll(stack.rest, { client: 'crowd' }, data),
      Promise.all(doors.slice(20).map((at) => at.ask('crowd'))),
    ]);
    const got = await Promise.all([...half, ...rest].map((client) => client.message()));
    expect(got.map(Number).sort((one, other) => one - other)).toEqual(data);
  });

  test('M-21 messages that were acknowledged elsewhere, and are on their way to this edge still', async () => {
    const client = 'behind';
    const slow = await connect(heldDoor.edge.wsUrl, { client });
    const quick = await connect(door.edge.wsUrl, { client });
    const { begun } = link.holdAnswers('private ');
    await publishAll(stack.rest, { client }, [1, 2, 3]);
    await begun;
    const second = await quick.next('private', ({ data }) => data === 2);
    quick.send({ type: 'ack', id: second.id });
    await quick.request({ type: 'history', channel: 'demo:fence' });
    const late = await connect(heldDoor.edge.wsUrl, { client });
    expect(late.of('welcome')[0]?.queue?.replayed).toBe(1);
    link.release();
    await publish(client, 4);
    for (const [one, data] of [
      [slow, [1, 2, 3, 4]],
      [late, [3, 4]],
    ] as const) {
      await one.next('private', (frame) => frame.data === 4);
      expect(one.of('private').map((frame) => frame.data)).toEqual(data);
    }
    await Promise.all([slow, quick, late].map((one) => one.close()));
  });

  test('M-21 what a WebSocket of the client has acknowledged does not come', async () => {
    const native = await connect(door.edge.wsUrl, { client: 'wires' });
    await publishAll(stack.rest, { client: 'wires' }, ['seen', 'new']);
    const seen = await native.next('private');
    native.send({ type: 'ack', id: seen.id });
    await native.request({ type: 'history', channel: 'demo:fence' });
    expect(await next('wires', otherDoor)).toBe('new');
    await native.close();
    const again = await connect(door.edge.wsUrl, { client: 'wires' });
    expect(again.of('welcome')[0]?.queue?.replayed).toBeUndefined();
    await again.close();
  });

  test('M-22 the newest of three gets the message, then the one before it', async () => {
    const [first, second, third] = (await door.park('three', 3)) as MegacometClient[];
    await publish('three', 'a');
    expect(await third?.message()).toBe('a');
    await publish('three', 'b');
    expect(await second?.message()).toBe('b');
    await publish('three', 'c');
    expect(await first?.message()).toBe('c');
  });

  test('M-22 M-30 messages come faster than answers: those who wait share them', async () => {
    const waiting = await door.park('burst', 3);
    await publishAll(stack.rest, { client: 'burst' }, ['a', 'b', 'c']);
    const got = await Promise.all(waiting.map((client) => client.message()));
    expect(got.sort()).toEqual(['a', 'b', 'c']);
  });

  test('M-22 M-30 the newest is reset: the next message goes to the one before it', async () => {
    const [older, newer] = (await door.park('reset', 2)) as MegacometClient[];
    const before = await door.connections();
    await newer?.reset();
    await door.holds(before - 1);
    await publish('reset', 'hello');
    expect(await older?.message()).toBe('hello');
  });

  test('M-23 the client goes during the acknowledgement: its other request gets the message', async () => {
    const [older, newer] = (await heldDoor.park('heir', 2)) as MegacometClient[];
    const before = await heldDoor.connections();
    const { begun } = link.hold(clientKeys('heir').acked);
    await publish('heir', 'one');
    await begun;
    await newer?.reset();
    await heldDoor.holds(before - 1);
    link.release();
    expect(await older?.message()).toBe('one');
    await publish('heir', 'two');
    expect(await next('heir', heldDoor)).toBe('two');
  });

  test('M-23 a client that has gone takes nothing more', async () => {
    const native = await connect(heldDoor.edge.wsUrl, { client: 'gone' });
    const before = await heldDoor.connections();
    const [gone] = await heldDoor.park('gone');
    const { begun } = link.hold(clientKeys('gone').acked);
    await publishAll(stack.rest, { client: 'gone' }, ['one', 'two']);
    await begun;
    await native.waitFor(() => native.of('private').length === 2);
    expect(await next('gone')).toBe('one');
    await gone?.reset();
    await heldDoor.holds(before);
    link.release();
    // Two ways to Redis and back, one after the other, behind the one that was held.
    for (let turn = 0; turn < 2; turn += 1) {
      await native.request({ type: 'history', channel: 'demo:fence' });
    }
    expect(await next('gone')).toBe('two');
    await native.close();
  });

  test('M-24 the acknowledgement fails: the message comes, and comes once more', async () => {
    const [client] = await door.park('twice');
    const { acked } = clientKeys('twice');
    await stack.redis.client.hset(acked, 'no', 'position');
    await publish('twice', 'hello');
    expect(await client?.message()).toBe('hello');
    await stack.redis.client.del(acked);
    expect(await next('twice')).toBe('hello');
    await publish('twice', 'new');
    expect(await next('twice')).toBe('new');
  });

  test('M-30 the only one is reset: the message goes to the next request', async () => {
    const before = await door.connections();
    const [gone] = await door.park('alone');
    await gone?.reset();
    await door.holds(before);
    await publish('alone', 'hello');
    expect(await next('alone')).toBe('hello');
  });

  test('M-30 FIN of the sending side counts as gone', async () => {
    const before = await door.connections();
    const [half] = await door.park('half');
    half?.socket.end();
    expect((await half?.ended())?.toString()).toBe('');
    await door.holds(before);
  });

  test(`M-30 ${ABORTED} resets leave nothing, at whatever moment`, async () => {
    const before = await door.connections();
    const parked = await Promise.all(
      Array.from({ length: ABORTED }, (_, index) => door.ask(`abort-${index % 50}`)),
    );
    await door.holds(before + ABORTED);
    await Promise.all(parked.map((client) => client.reset()));
    for (let index = 0; index < ABORTED; index += 1) {
      await (await door.ask(`abort-${index}`)).reset();
    }
    await door.holds(before);
    await publish('abort-7', 'hello');
    expect(await next('abort-7')).toBe('hello');
  });

  test('M-25 present while it waits, and for a while after', async () => {
    const isOnline = async () => {
      const { body } = await stack.rest.get('/clients/watched');
      return (body as { readonly online: boolean }).online;
    };
    const [client] = await door.park('watched');
    expect(await isOnline()).toBe(true);
    await publish('watched', 'bye');
    await client?.message();
    expect(await isOnline()).toBe(true);
    await eventually(async () => !(await isOnline()), 'the client is away');
  });

  test('M-31 a leaving edge answers all that wait; another one has the queue', async () => {
    const leaving = await addMegacomet(stack);
    const waiting = await leaving.park('leaver', 3);
    await leaving.edge.terminate(10_000);
    for (const client of waiting) {
      const { statusLine, headers, body } = await client.answer();
      expect(statusLine).toBe('HTTP/1.1 503 Service Unavailable');
      expect(headers.get('retry-after')).toBe('1');
      expect(headers.get('connection')).toBe('close');
      expect(body.toString()).toMatch(/^draining: /);
    }
    await publish('leaver', 'hello');
    expect(await next('leaver')).toBe('hello');
  });

  test('M-31 a request whose message is being acknowledged gets it from the leaving edge', async () => {
    const [lucky] = await heldDoor.park('lucky');
    const [other] = await heldDoor.park('other');
    const { begun } = link.hold(clientKeys('lucky').acked);
    await publish('lucky', 'in time');
    await begun;
    const gone = heldDoor.edge.terminate(10_000);
    expect((await other?.answer())?.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
    link.release();
    expect(await lucky?.message()).toBe('in time');
    await gone;
  });

  test('M-33 ended by the operator, and by the end of its token', async () => {
    const [cut] = await door.park('cut');
    await stack.rest.post('/clients/cut/disconnect', {});
    expect((await cut?.answer())?.statusLine).toBe('HTTP/1.1 403 Forbidden');
    const token = tokenFor('cut');
    const before = await door.connections();
    const renewer = await door.send(requestOf(`/cut.js?token=${token}`));
    await door.holds(before + 1);
    await stack.rest.post('/clients/cut/revoke', {});
    const { statusLine, body } = await renewer.answer();
    expect(statusLine).toBe('HTTP/1.1 401 Unauthorized');
    expect(body.toString()).toMatch(/^token-revoked: /);
  });

  test('M-32 the store is away: new requests are refused, those that wait get what comes after', async () => {
    const hasty = await addMegacomet(stack, { HALLEY_REDIS_TIMEOUT_MS: '300' });
    const [waiting] = await hasty.park('store');
    const { server } = stack.redis;
    server.pause();
    try {
      const { statusLine, headers, body } = await (await hasty.ask('store')).answer();
      expect(statusLine).toBe('HTTP/1.1 503 Service Unavailable');
      expect(headers.get('retry-after')).toBe('1');
      expect(body.toString()).toMatch(/^unavailable: /);
    } finally {
      server.resume();
    }
    await ready(hasty.edge);
    await eventually(async () => {
      const { status } = await stack.rest.publishPrivate('store', 'back', { key: 'k' });
      return status < 300;
    }, 'the store takes messages');
    expect(await waiting?.message()).toBe('back');
  });

  test('M-10 a request waits for longer than any timeout of the socket', async () => {
    const isOld = () => performance.now() - patientSinceMs > 1.5 * IDLE_TIMEOUT_MS;
    await eventually(isOld, 'the request is old enough', 2 * IDLE_TIMEOUT_MS);
    expect(waits(patient)).toBe(true);
    await publish('patient', 'hello');
    expect(await patient.message()).toBe('hello');
  }, 40_000);

  test('M-7 a head that does not go on is closed', async () => {
    expect((await unfinished.ended(2 * IDLE_TIMEOUT_MS)).toString()).toBe('');
  }, 40_000);
});
