/**
 * The bare part of an edge: uWS with topics and nothing else. A POST is published at once; with the
 * address of a Redis as argument, what Redis sends on the channels named after it is published too, and
 * what clients ask over their socket is answered.
 */

import uWS, { type TemplatedApp, type WebSocketBehavior } from 'uWebSockets.js';
import { Redis } from 'ioredis';
import { frameOf } from './frame.js';
import { channelOf } from './keys.js';
import { onPost, serve } from './server.js';
import { openTalk } from './talk.js';

interface Subscriber {
  readonly topics: readonly string[];
}

const [redisUrl, ...liveChannels] = process.argv.slice(2);

/** The options of Halley's own sockets (apps/edge/src/transport). */
const OPTIONS: WebSocketBehavior<Subscriber> = {
  compression: uWS.DISABLED,
  maxPayloadLength: 128 * 1024,
  maxBackpressure: 4 * 1024 * 1024,
  closeOnBackpressureLimit: 1, // A flag, though its type says number.
  idleTimeout: 60,
  sendPingsAutomatically: true,
};

function openSockets(app: TemplatedApp): void {
  app.ws<Subscriber>('/topics/:name', {
    ...OPTIONS,
    upgrade: (response, request, context) => {
      response.upgrade<Subscriber>(
        { topics: (request.getParameter(0) ?? '').split(',') },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (socket) => {
      for (const topic of socket.getUserData().topics) socket.subscribe(topic);
    },
  });
  app.ws<Subscriber>('/held', { ...OPTIONS, open: (socket) => void socket.subscribe('all') });
}

/** Requests that are not answered, with the least that uWS asks for. */
function holdRequests(app: TemplatedApp): void {
  app.get('/parked', (response) => {
    response.onAborted(() => undefined);
  });
}

async function forward(app: TemplatedApp, url: string, channels: string[]): Promise<void> {
  const redis = new Redis(url);
  redis.on('smessageBuffer', (live: Buffer, frame: Buffer) => {
    app.publish(channelOf(live.toString()), frame, false);
  });
  await redis.ssubscribe(...channels);
}

const app = uWS.App();
openSockets(app);
holdRequests(app);
onPost(app, (channel, body, answer) => {
  app.publish(channel, frameOf(channel, body), false);
  answer('0-0');
});
if (redisUrl !== undefined) {
  openTalk(app, redisUrl, OPTIONS);
  await forward(app, redisUrl, liveChannels);
}
serve(app);
