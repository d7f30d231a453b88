/** The bare part of what clients ask over their socket: history, and members that come and go. */

import type { TemplatedApp, WebSocket, WebSocketBehavior } from 'uWebSockets.js';
import { Redis, type Result } from 'ioredis';
import { readPage } from './history.js';
import { liveOf, membersOf } from './keys.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    join(members: string, member: string, live: string, frame: string): Result<number, Context>;
    leave(members: string, member: string, live: string, frame: string): Result<number, Context>;
  }
}

interface Frame {
  readonly type: string;
  readonly ref: number;
  readonly channel: string;
  readonly limit?: number;
}

interface Talker {
  /** As long as the id of a connection of Halley's. */
  readonly member: string;
  isGone: boolean;
}

const MEMBER_LENGTH = 22;
const script = (change: string): string => `
  redis.call(${change})
  redis.call('SPUBLISH', ARGV[2], ARGV[3])
  return redis.call('HLEN', KEYS[1])`;

let talkers = 0;

type Listen = (topic: string) => Promise<unknown> | null;

/** @param listen resolves when what is announced on a channel is published to its topic */
export function openTalk(
  app: TemplatedApp,
  url: string,
  options: WebSocketBehavior<never>,
  listen: Listen,
): void {
  const redis = new Redis(url, { enableAutoPipelining: true });
  redis.defineCommand('join', { numberOfKeys: 1, lua: script(`'HSET', KEYS[1], ARGV[1], '1'`) });
  redis.defineCommand('leave', { numberOfKeys: 1, lua: script(`'HDEL', KEYS[1], ARGV[1]`) });
  app.ws<Talker>('/talk', {
    ...(options as WebSocketBehavior<Talker>),
    upgrade: (response, request, context) => {
      talkers += 1;
      response.upgrade<Talker>(
        { member: String(talkers).padStart(MEMBER_LENGTH, 'm'), isGone: false },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    message: (socket, message) => {
      const frame = JSON.parse(Buffer.from(message).toString()) as Frame;
      // A failed call leaves the process: a bench with failures has no figures.
      void answer(redis, listen, socket, frame);
    },
    close: (socket) => {
      socket.getUserData().isGone = true;
    },
  });
}

async function answer(
  redis: Redis,
  listen: Listen,
  socket: WebSocket<Talker>,
  frame: Frame,
): Promise<void> {
  const { type, ref, channel, limit = 0 } = frame;
  const talker = socket.getUserData();
  const head = (answered: string) => `{"type":"${answered}","ref":${ref},"channel":"${channel}"`;
  if (type === 'history') {
    const page = await readPage(redis, channel, limit);
    if (!talker.isGone) socket.send(`${head('history')},${page}`);
    return;
  }
  const told = (kind: string) =>
    `{"type":"${kind}","channel":"${channel}","clientId":"${talker.member}"}`;
  const members = membersOf(channel);
  if (type === 'subscribe') {
    await listen(channel);
    const count = await redis.join(members, talker.member, liveOf(channel), told('join'));
    if (talker.isGone) return;
    socket.subscribe(channel);
    socket.send(`${head('subscribed')},"position":"0-0","members":${count}}`);
    return;
  }
  socket.unsubscribe(channel);
  socket.send(`${head('unsubscribed')}}`);
  await redis.leave(members, talker.member, liveOf(channel), told('leave'));
}
