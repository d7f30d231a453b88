/** Socket.IO with its Redis adapter: a server that holds the sockets, one that takes the POSTs. */

import { fileURLToPath } from 'node:url';
import { frameOf } from '../bare/frame.js';
import { type Dialect, postText } from '../harness/dialect.js';
import { Program } from '../harness/program.js';
import { BEARER } from '../harness/secrets.js';
import { Stoppables } from '../harness/stack.js';
import type { PeerStack } from './nchan.js';

const EDGE = fileURLToPath(new URL('socket-io-edge.js', import.meta.url));
const API = fileURLToPath(new URL('socket-io-api.js', import.meta.url));
const PROBE = new URL('../harness/probe.js', import.meta.url).href;

/** An Engine.IO packet `4` that holds a Socket.IO packet `0`: connect to the main namespace, with data. */
const CONNECT = '40';

/** Around our frame there are the 14 bytes `42["message",]`. */
const DIALECT: Dialect = {
  listen: (channels) => ({
    marker: '"type":"message"',
    sockets: channels.map((name) => ({
      kind: 'eio',
      // Open, connected, subscribed.
      readyFrames: 3,
      target: '/socket.io/?EIO=4&transport=websocket',
      hello: CONNECT + JSON.stringify({ room: name }),
    })),
  }),
  publish: (channel, data) =>
    postText(`/rooms/${channel}`, frameOf(channel, JSON.stringify({ data }))),
};

export async function startSocketIo(): Promise<PeerStack> {
  const all = new Stoppables();
  const redis = await all.redis();
  const args = [redis.url];
  const env = { NODE_ENV: 'production' };
  const execArgv = ['--import', PROBE];
  const edge = await all.add(Program.start('edge', EDGE, { args, env, execArgv }));
  const api = await all.add(Program.start('api', API, { args, env }));
  return {
    side: 'socket.io',
    dialect: DIALECT,
    bearer: BEARER,
    edge,
    wsPort: edge.port,
    postPort: api.port,
    processes: [edge, api, redis],
    stop: () => all.stop(),
  };
}
