/**
 * The bare part of an edge: uWS with topics and nothing else. A POST is published at once; with the
 * address of a Redis as argument, what Redis sends on the channels of the topics is published too, and
 * what clients ask over their socket is answered.
 */

import uWS, { type HttpRequest, type TemplatedApp, type WebSocketBehavior } from 'uWebSockets.js';
import { Redis } from 'ioredis';
import { channelOf, liveOf } from './keys.js';
import { onPost, type Posted, serve } from './server.js';
import { openTalk } from './talk.js';

interface Subscriber {
  readonly topics: readonly string[];
}

const PONG = '{"type":"pong"}';

/** The options of Halley's own sockets (apps/edge/src/transport). */
const OPTIONS: WebSocketBehavior<Subscriber> = {
  compression: uWS.DISABLED,
  maxPayloadLength: 128 * 1024,
  maxBackpressure: 4 * 1024 * 1024,
  closeOnBackpressureLimit: 1, // A flag, though its type says number.
  idleTimeout: 60,
  sendPingsAutomatically: true,
};

/** `null` where nothing has to be waited for. */
type Listen = (topics: readonly string[]) => Promise<unknown> | null;

function openSockets(app: TemplatedApp, listen: Listen): void {
  app.ws<Subscriber>('/topics/:name', {
    ...OPTIONS,
    upgrade: (response, request, context) => {
      const topics = (request.getParameter(0) ?? '').split(',');
      const [key, protocol, extensions] = handshakeOf(request);
      const upgrade = () =>
        response.upgrade<Subscriber>({ topics }, key, protocol, extensions, context);
      const listening = listen(topics);
      if (listening === null) return upgrade();
      let isGone = false;
      response.onAborted(() => {
        isGone = true;
      });
      void listening.then(() => {
        if (!isGone) response.cork(upgrade);
      });
    },
    open: (socket) => {
      for (const topic of socket.getUserData().topics) socket.subscribe(topic);
    },
  });
  app.ws<Subscriber>('/held', {
    ...OPTIONS,
    open: (socket) => void socket.subscribe('all'),
    // Whoever is silent for long says `ping`.
    message: (socket) => void socket.send(PONG),
  });
}

function handshakeOf(request: HttpRequest): [string, string, string] {
  return [
    request.getHeader('sec-websocket-key'),
    request.getHeader('sec-websocket-protocol'),
    request.getHeader('sec-websocket-extensions'),
  ];
}

/** Requests that are not answered, with the least that uWS asks for. */
function holdRequests(app: TemplatedApp): void {
  app.get('/parked', (response) => {
    response.onAborted(() => undefined);
  });
}

/** Each topic's channel is subscribed to once, when its first socket comes. */
function forward(app: TemplatedApp, url: string): Listen {
  const redis = new Redis(url);
  const topics = new Map<string, Promise<unknown>>();
  redis.on('smessageBuffer', (live: Buffer, frame: Buffer) => {
    app.publish(channelOf(live.toString()), frame, false);
  });
  const listenTo = (topic: string) => {
    const listening = topics.get(topic) ?? redis.ssubscribe(liveOf(topic));
    topics.set(topic, listening);
    return listening;
  };
  return (wanted) => Promise.all(wanted.map(listenTo));
}

const [redisUrl] = process.argv.slice(2);
const app = uWS.App();
const listen: Listen = redisUrl === undefined ? () => null : forward(app, redisUrl);
openSockets(app, listen);
if (redisUrl !== undefined) openTalk(app, redisUrl, OPTIONS, (topic) => listen([topic]));
holdRequests(app);
let waiting: Posted[] = [];

/**
 * Not in the handler of the POST: uWS holds its one write buffer for the answer there, so that messages
 * of which it joins many would go out one by one.
 */
function publishWaiting(): void {
  const posted = waiting;
  waiting = [];
  for (const { topic, frame } of posted) app.publish(topic, frame, false);
  for (const { answer } of posted) answer('0-0');
}

onPost(app, (posted) => {
  if (waiting.length === 0) setImmediate(publishWaiting);
  waiting.push(posted);
});
serve(app);
