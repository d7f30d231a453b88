/**
 * The bare part of an edge: uWS with one topic and nothing else. A POST is published at once; with the
 * address of a Redis as argument, what Redis sends on the channels named after it is published too.
 */

import uWS, { type TemplatedApp } from 'uWebSockets.js';
import { Redis } from 'ioredis';
import { frameOf } from './frame.js';
import { onPost, serve } from './server.js';

const TOPIC = 'all';
const [redisUrl, ...liveChannels] = process.argv.slice(2);

/** The options of Halley's own sockets (apps/edge/src/transport). */
function openSockets(app: TemplatedApp): void {
  app.ws('/*', {
    compression: uWS.DISABLED,
    maxPayloadLength: 128 * 1024,
    maxBackpressure: 4 * 1024 * 1024,
    closeOnBackpressureLimit: 1, // A flag, though its type says number.
    idleTimeout: 60,
    sendPingsAutomatically: true,
    open: (ws) => void ws.subscribe(TOPIC),
  });
}

/** Requests that are not answered, with the least that uWS asks for. */
function holdRequests(app: TemplatedApp): void {
  app.get('/held', (response) => {
    response.onAborted(() => undefined);
  });
}

async function forward(app: TemplatedApp, url: string, channels: string[]): Promise<void> {
  const redis = new Redis(url);
  redis.on('smessageBuffer', (_channel: Buffer, frame: Buffer) => app.publish(TOPIC, frame, false));
  await redis.ssubscribe(...channels);
}

const app = uWS.App();
openSockets(app);
holdRequests(app);
onPost(app, (channel, body, answer) => {
  app.publish(TOPIC, frameOf(channel, body), false);
  answer('0-0');
});
if (redisUrl !== undefined) await forward(app, redisUrl, liveChannels);
serve(app);
