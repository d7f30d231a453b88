/** The clients of the million see each kind of error, planted by a server that makes them. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { NativeCrowd, type NativeCrowdStatus } from '@halley/loadtest/native-crowd';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../kit/wait.js';

const CHANNEL = 'crowd:planted';
const EMPTY = `0-${Date.now()}`;

let server: WebSocketServer;
let crowd: NativeCrowd;
/** What a client says first is answered so. */
let recovery: Readonly<Record<string, unknown>>;

beforeEach(async () => {
  recovery = { position: EMPTY };
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', greet);
  await once(server, 'listening');
  crowd = await NativeCrowd.start({
    wire: 'ws',
    index: 249,
    first: 7,
    count: 1,
    channels: [CHANNEL],
  });
});

afterEach(async () => {
  await crowd.stop();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

function greet(socket: WebSocket): void {
  socket.once('message', () => {
    say(socket, { type: 'welcome', queue: recovery });
    say(socket, { type: 'subscribed', ref: 1, channel: CHANNEL, ...recovery });
  });
}

function say(socket: WebSocket, frame: Readonly<Record<string, unknown>>): void {
  socket.send(JSON.stringify(frame));
}

function position(number: number): string {
  return `1763695000000-${number}.abcd`;
}

function message(n: number, channel = CHANNEL) {
  return { type: 'message', channel, id: position(n), data: { n } };
}

function privateMessage(to: number, p: number) {
  return { type: 'private', id: position(p), data: { to, p, sentNs: '1' } };
}

async function connected(): Promise<WebSocket> {
  const connection = once(server, 'connection');
  crowd.open((server.address() as AddressInfo).port, 1, 1);
  const [socket] = (await connection) as [WebSocket];
  await statusWhere(({ ready }) => ready === 1);
  return socket;
}

function statusWhere(isDone: (status: NativeCrowdStatus) => boolean): Promise<NativeCrowdStatus> {
  return eventually(async () => {
    const status = await crowd.status(0);
    return isDone(status) ? status : null;
  }, 'the client is not so far');
}

async function faultsAfter(frames: readonly Readonly<Record<string, unknown>>[]) {
  const socket = await connected();
  for (const frame of frames) say(socket, frame);
  // By the answer to a ping all before it has been read.
  const pong = once(socket, 'pong');
  socket.ping();
  await pong;
  const { faults } = await crowd.status(0);
  return Object.fromEntries(Object.entries(faults).map(([kind, { count }]) => [kind, count]));
}

describe('a client of the crowd', () => {
  it('has nothing to say against messages in order', async () => {
    const frames = [message(1), message(2), privateMessage(7, 1), privateMessage(7, 2), message(3)];
    expect(await faultsAfter(frames)).toEqual({});
    expect(await crowd.status(3)).toMatchObject({ through: 1, messages: 3, privates: 2 });
  });

  it.each([
    ['lost message', [message(1), message(3)]],
    ['repeated message', [message(1), message(1)]],
    ['repeated message', [message(1), message(2), message(1)]],
    ['foreign message', [message(1, 'crowd:another')]],
    ['lost private message', [privateMessage(7, 2)]],
    ['repeated private message', [privateMessage(7, 1), privateMessage(7, 1)]],
    ['foreign private message', [privateMessage(8, 1)]],
    ['gap', [{ type: 'gap', channel: CHANNEL, position: position(1) }]],
    ['refusal', [{ type: 'error', code: 'forbidden', message: 'no' }]],
    ['unexpected frame', [{ type: 'join', channel: CHANNEL, clientId: 'a' }]],
    ['unasked goodbye', [{ type: 'goodbye', code: 4201, retryAfterMs: 0, reason: 'draining' }]],
  ])('counts: %s', async (kind, frames) => {
    expect(await faultsAfter(frames)).toEqual({ [kind]: 1 });
  });

  it('counts a connection that is closed unasked', async () => {
    (await connected()).close(4200, 'slow-reader');
    const { failed, faults } = await statusWhere(({ ready }) => ready === 0);
    expect(failed).toBe(1);
    expect(faults['unasked close']).toMatchObject({
      count: 1,
      texts: ['client 7: 4200 slow-reader'],
    });
  });

  it('comes back from where it was, and counts what is not recovered', async () => {
    const socket = await connected();
    say(socket, message(1));
    await statusWhere(({ messages }) => messages === 1);
    recovery = { position: position(9), recovered: false, replayed: 0 };
    const again = once(server, 'connection');
    crowd.drop(1, 1);
    crowd.comeBack((server.address() as AddressInfo).port, 1);
    const [next] = (await again) as [WebSocket];
    const [hello] = await once(next, 'message');
    expect(JSON.parse(String(hello))).toMatchObject({ channel: CHANNEL, after: position(1) });
    const { faults, resumed } = await statusWhere(({ ready }) => ready === 1);
    expect(resumed).toBe(1);
    expect(faults['not recovered']?.count).toBe(2);
  });
});
