/** nginx with Nchan, its messages in its own memory or in Redis. */

import { frameOf } from '../bare/frame.js';
import { type Dialect, postText } from '../harness/dialect.js';
import type { Resident } from '../harness/resident.js';
import { BEARER } from '../harness/secrets.js';
import { type Stack, Stoppables } from '../harness/stack.js';
import { Nginx } from './nginx.js';

/** What is posted is what arrives, so our frame is posted; a socket is subscribed once it is open. */
const DIALECT: Dialect = {
  listen: (channels) => ({
    marker: '"type":"message"',
    sockets: channels.map((name) => ({ kind: 'ws', readyFrames: 0, target: `/sub/${name}` })),
  }),
  publish: (channel, data) =>
    postText(`/pub/${channel}`, frameOf(channel, JSON.stringify({ data }))),
};

/** A socket is open before Redis knows of its subscription, and what is published meanwhile is lost. */
const REDIS_DIALECT: Dialect = {
  ...DIALECT,
  listen: (channels) => ({ ...DIALECT.listen(channels), settleMs: 500 }),
};

export type PeerStack = Stack & { readonly edge: Resident };

export async function startNchan(): Promise<PeerStack> {
  const nginx = await Nginx.start();
  return {
    dialect: DIALECT,
    bearer: BEARER,
    side: 'nchan',
    ...portsOf(nginx),
    processes: [nginx],
    stop: () => nginx.stop(),
  };
}

export async function startNchanRedis(): Promise<PeerStack> {
  const all = new Stoppables();
  const redis = await all.redis();
  const nginx = await all.add(Nginx.start(redis.url));
  const processes = [nginx, redis];
  return {
    dialect: REDIS_DIALECT,
    bearer: BEARER,
    side: 'nchan-redis',
    ...portsOf(nginx),
    processes,
    stop: () => all.stop(),
  };
}

function portsOf(nginx: Nginx) {
  return { edge: nginx, wsPort: nginx.port, postPort: nginx.port };
}
