/** The subscribers of a run: every wire, busy and idle, named and nameless, alone and in twos. */

import type { History, Stream } from './history.js';
import { queueOf } from './history.js';
import { NativeSubscriber } from './subscribers/native.js';
import { PollSubscriber } from './subscribers/poll.js';
import { PushSubscriber } from './subscribers/push.js';
import type { Patience, Subscriber, SubscriberOptions } from './subscribers/recorder.js';
import { SdkSubscriber } from './subscribers/sdk.js';

export const BUSY = ['plain:busy1', 'plain:busy2'];
/** With members. */
export const ROOM = 'room:hall';
/** Nothing comes there but one message at the end. */
export const QUIET = ['plain:quiet1', 'plain:quiet2', 'plain:quiet3'];
/** Clients that get private messages. */
export const NAMED = ['alice', 'carol', 'dave', 'erin'];
/** Named, and one connection each which says which edge holds it. */
const WATCHED = ['ws-carol', 'sdk-erin'];

type Make = (options: SubscriberOptions) => Subscriber;
interface Place {
  readonly name: string;
  readonly make: Make;
  readonly channels: readonly string[];
  readonly clientId?: string;
}

const native: Make = (options) => new NativeSubscriber(options);
const sse: Make = (options) => new PushSubscriber(options, '/v1/sse');
const stream: Make = (options) => new PushSubscriber(options, '/v1/stream');
const poll: Make = (options) => new PollSubscriber(options);
const sdk =
  (...transports: ('websocket' | 'stream' | 'poll')[]): Make =>
  (options) =>
    new SdkSubscriber(options, transports);

const PLACES: readonly Place[] = [
  { name: 'ws', make: native, channels: [...BUSY, ...QUIET] },
  { name: 'ws-carol', make: native, channels: [...BUSY, ROOM], clientId: 'carol' },
  // Two connections of one client: a private message comes to either.
  { name: 'ws-alice', make: native, channels: [BUSY[0] ?? ''], clientId: 'alice' },
  { name: 'sse-alice', make: sse, channels: BUSY, clientId: 'alice' },
  { name: 'ws-idle', make: native, channels: QUIET },
  { name: 'sse', make: sse, channels: [BUSY[0] ?? ''] },
  { name: 'sse-idle', make: sse, channels: QUIET },
  { name: 'stream', make: stream, channels: BUSY },
  { name: 'poll-dave', make: poll, channels: BUSY, clientId: 'dave' },
  { name: 'poll-idle', make: poll, channels: QUIET },
  { name: 'sdk-erin', make: sdk('websocket'), channels: [...BUSY, ROOM], clientId: 'erin' },
  { name: 'sdk-idle', make: sdk('websocket'), channels: QUIET },
  { name: 'sdk-stream', make: sdk('stream'), channels: BUSY },
  { name: 'sdk-poll', make: sdk('poll'), channels: BUSY },
];

export class Crew {
  readonly all: readonly Subscriber[];

  constructor(history: History, url: string, patience: Patience) {
    this.all = PLACES.map(({ make, ...place }) => make({ history, url, patience, ...place }));
  }

  /** Those that get messages all the time. */
  get steady(): Subscriber[] {
    return this.all.filter(({ channels }) => channels.some((channel) => BUSY.includes(channel)));
  }

  get watched(): Subscriber[] {
    return this.all.filter(({ name }) => WATCHED.includes(name));
  }

  /** What each of them has to get of a message to all streams. */
  streamsOf({ channels, clientId }: Subscriber): Stream[] {
    return clientId === undefined ? [...channels] : [...channels, queueOf(clientId)];
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((subscriber) => subscriber.stop()));
  }
}
