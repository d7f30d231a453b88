import {
  comparePositions,
  type ErrorFrame,
  type GoodbyeFrame,
  ORIGIN,
  type Position,
  type Ref,
  type ServerFrame,
  type SubscribedFrame,
  type WelcomeFrame,
} from '@halley/shared/protocol';
import type { ClientFrame } from '../frames.js';
import { isPassing } from '../refusals.js';
import { later } from '../timings.js';
import { endOf, LOST } from './ends.js';
import type { Receiver } from './receiver.js';
import { type Asking, request, urlOf } from './requests.js';
import type { Link, LinkEnd, LinkEvents, LinkOptions, Transport } from './transport.js';

type SubscribeFrame = Extract<ClientFrame, { readonly type: 'subscribe' }>;

interface Held {
  readonly name: string;
  /** Of the subscribes that the next answer is for. */
  refs: Ref[];
  isHeld: boolean;
  /** Where the next request begins: after this, or so many messages before now. */
  after: Position | undefined;
  last: number;
  token: string;
  /** The one that the edge has taken. */
  goodToken: string;
  /** Replayed messages that are still to come. */
  left: number;
}

/** An edge takes no more in one URL. */
const CHANNELS_MAX = 64;
const CHANNEL_PATTERN = /^[\w\-=@,.;:~]{1,200}$/;
/** Before the edge has said its own. */
const PING_INTERVAL_MS = 25_000;
const RETRY_MS = 1_000;
/** A quiet edge gives its signs of life just when they are due. */
const QUIET_FACTOR = 1.5;

/** Makes a transport of a way to receive. */
export function transportOf(receiver: Receiver): Transport {
  const { name, isPossible } = receiver;
  return { name, isPossible, open: (options, events) => new HttpLink(receiver, options, events) };
}

/**
 * A link made of requests. What a client asks for stands in the URL of the one that receives, so each change
 * ends that and begins another where it ended; all else is posted.
 */
class HttpLink implements Link {
  readonly #receiver: Receiver;
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #channels = new Map<string, Held>();
  readonly #life = new AbortController();
  /** Of the request that receives. */
  #receiving = new AbortController();
  #subscribes: SubscribeFrame[] = [];
  #queue: Position | null;
  #welcome: WelcomeFrame | undefined;
  #goodbye: GoodbyeFrame | undefined;
  /** Channels of this request that have no answer yet. */
  #unanswered = 0;
  #isDue = false;
  /** Publishes go one after the other: requests may overtake each other. */
  #posted = Promise.resolve();
  #cancelDeadline: () => void = () => undefined;

  constructor(receiver: Receiver, options: LinkOptions, events: LinkEvents) {
    this.#receiver = receiver;
    this.#options = options;
    this.#events = events;
    this.#queue = options.queueAfter;
    this.#receive();
  }

  send(frames: readonly ClientFrame[]): void {
    for (const frame of frames) {
      const { type } = frame;
      if (type === 'publish') this.#posted = this.#posted.then(() => this.#post(frame));
      else if (type === 'history' || type === 'members') void this.#post(frame);
      // A new token is for a new link.
      else if (type === 'auth') this.#end({ advice: 'resume' });
      else if (type === 'subscribe') this.#subscribes.push(frame);
      else if (type === 'unsubscribe') {
        this.#channels.delete(frame.channel);
        this.#subscribes = this.#subscribes.filter(({ channel }) => channel !== frame.channel);
        this.#tell({ ...frame, type: 'unsubscribed' });
      }
      this.#isDue ||= /subscribe$/.test(type);
    }
    // What comes in one turn is one change.
    setTimeout(() => this.#change(), 0);
  }

  /** A request that stands and carries nothing looks well: another one tells. */
  ping(): void {
    this.#isDue = true;
    this.#change();
  }

  close(): void {
    this.#cancelDeadline();
    this.#receiving.abort();
    this.#life.abort();
  }

  #end(why: LinkEnd): void {
    this.close();
    this.#events.onEnd(why);
  }

  #tell(frame: ServerFrame): void {
    if (!this.#life.signal.aborted) this.#events.onFrame(frame);
  }

  /** Begins anew where something has changed; not before what was asked for has come. */
  #change(): void {
    const isReplaying = [...this.#channels.values()].some(({ left }) => left > 0);
    const isBusy = isReplaying || this.#unanswered > 0 || this.#welcome === undefined;
    if (!this.#isDue || isBusy || this.#life.signal.aborted) return;
    this.#isDue = false;
    this.#subscribes = this.#subscribes.filter((frame) => !this.#take(frame));
    this.#isDue = this.#subscribes.length > 0;
    this.#receive();
  }

  /** @returns false where it has to wait for the answer to another one */
  #take({ ref, channel, after, last = 0, token = '' }: SubscribeFrame): boolean {
    const held = this.#channels.get(channel);
    if (held !== undefined) {
      if (held.refs.length > 0) return false;
      held.refs = [ref];
      held.last = last;
      held.token = token || held.token;
      if (after && held.after && comparePositions(after, held.after) < 0) held.after = after;
    } else if (this.#channels.size < CHANNELS_MAX && CHANNEL_PATTERN.test(channel)) {
      const none = { isHeld: false, goodToken: '', left: 0 };
      this.#channels.set(channel, { name: channel, refs: [ref], after, last, token, ...none });
    } else {
      const code = this.#channels.size < CHANNELS_MAX ? 'bad-channel' : 'too-many-channels';
      this.#tell({ type: 'error', ref, code, message: code, channel });
    }
    return true;
  }

  #receive(): void {
    this.#cancelDeadline();
    this.#receiving.abort();
    this.#receiving = new AbortController();
    const { signal } = this.#receiving;
    const order = [...this.#channels.values()];
    this.#unanswered = order.length;
    const deadlineMs = this.#options.welcomeMs;
    this.#cancelDeadline = later(deadlineMs, () => this.#end({ ...LOST, code: 'deaf' }));
    const ifNow = (act: () => void) => {
      if (!signal.aborted) act();
    };
    void this.#receiver
      .receive(this.#asking(order, signal), {
        onFrame: (frame) => ifNow(() => this.#hear(frame, order)),
        onAlive: () => ifNow(() => this.#events.onAlive()),
      })
      .catch(() => LOST)
      .then((why) => ifNow(() => this.#ended(why, order)));
  }

  #asking(order: readonly Held[], signal: AbortSignal): Asking {
    const { env, node, client, token } = this.#options;
    const query = new URLSearchParams();
    if (token === null && client !== null) query.set('client', client);
    const seen = order.map(({ after, last }) => (!last && after) || '_');
    const queue = this.#queue === null ? '' : `~~${this.#queue}`;
    query.set('cursor', ['1', ...seen].join('~') + queue);
    for (const { name, last, token } of order) {
      query.append('channel', name);
      query.append('last', `${last || ''}`);
      query.append('grant', token);
    }
    const { pingIntervalMs = PING_INTERVAL_MS } = this.#welcome ?? {};
    const waitSeconds = Math.ceil(pingIntervalMs / 1_000);
    return { env, node, token, query, waitSeconds, signal };
  }

  async #post(frame: Extract<ClientFrame, { data: unknown } | { limit?: number }>): Promise<void> {
    const { ref, channel } = frame;
    const lost = frame.type === 'publish' ? 'outcome-unknown' : 'unavailable';
    const code = this.#receiver.name === 'jsonp' ? 'unsupported' : lost;
    let answer: object = { type: 'error', code, message: code, channel, retryAfterMs: RETRY_MS };
    try {
      const asking = this.#asking([], this.#life.signal);
      const headers = { 'Content-Type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(frame) };
      const said = await (await request(asking, urlOf(asking, 'frames'), init)).json();
      // A refusal of the request is a problem, one of the frame is a frame.
      answer = said.status ? { ...answer, code: said.code, message: said.detail } : said;
    } catch {
      // Nobody knows what became of it.
    }
    this.#tell({ ...answer, ref } as ServerFrame);
  }

  #hear(frame: ServerFrame, order: readonly Held[]): void {
    const held = 'ref' in frame ? order[Number(frame.ref)] : undefined;
    this.#events.onAlive();
    if (frame.type === 'welcome') this.#welcomed(frame);
    else if (frame.type === 'subscribed') this.#subscribed(frame, held as Held);
    else if (frame.type === 'error' && held !== undefined) this.#refused(frame, held);
    else this.#pass(frame);
    this.#change();
  }

  #pass(frame: ServerFrame): void {
    const held = 'channel' in frame ? this.#channels.get(frame.channel ?? '') : undefined;
    if (frame.type === 'goodbye') this.#goodbye = frame;
    else if (frame.type === 'private') this.#queue = frame.id;
    else if (frame.type === 'unsubscribed') {
      // The next poll must not ask for it again.
      this.#isDue ||= this.#channels.delete(frame.channel);
    } else if (frame.type === 'gap') {
      if (held !== undefined) held.after = frame.position;
      else this.#queue = frame.position;
    }
    this.#tell(frame);
    if (frame.type !== 'message' || held === undefined) return;
    held.after = frame.id;
    if (held.left > 0) held.left -= 1;
  }

  #welcomed(frame: WelcomeFrame): void {
    this.#cancelDeadline();
    const isFirst = this.#welcome === undefined;
    this.#welcome ??= frame;
    if (frame.queue !== undefined) {
      const { position, recovered, replayed } = frame.queue;
      if (!replayed) this.#queue = position;
      // What is left of before follows.
      const from = replayed ? ORIGIN : position;
      if (!isFirst && recovered === false) this.#tell({ type: 'gap', position: from });
    }
    const pingIntervalMs = frame.pingIntervalMs * QUIET_FACTOR;
    if (isFirst) this.#tell({ ...frame, pingIntervalMs });
  }

  #subscribed(frame: SubscribedFrame, held: Held): void {
    const { position, recovered, replayed = 0 } = frame;
    this.#unanswered -= 1;
    // Nobody says whether a rewind reaches back to where the others were.
    const isLost = recovered === false || (held.last > 0 && held.after !== position);
    const from = replayed ? ORIGIN : position;
    if (held.isHeld && isLost) this.#tell({ type: 'gap', channel: held.name, position: from });
    held.isHeld = true;
    held.goodToken = held.token;
    held.last = 0;
    held.left = replayed;
    for (const ref of held.refs.splice(0)) this.#tell({ ...frame, ref });
    if (!replayed) held.after = position;
  }

  #refused(frame: ErrorFrame, held: Held): void {
    const { code } = frame;
    const { name: channel, isHeld } = held;
    const refs = held.refs.splice(0);
    this.#unanswered -= 1;
    if (isHeld && isPassing(frame)) {
      this.#end({ ...LOST, code });
      return;
    }
    if (isHeld && refs.length > 0) {
      // What was held stays so, if it was not that which is refused.
      held.token = held.goodToken;
      held.last = 0;
      this.#isDue = true;
    } else this.#channels.delete(channel);
    for (const ref of refs) this.#tell({ ...frame, ref, channel });
    if (isHeld && refs.length === 0) this.#tell({ type: 'unsubscribed', channel, code });
  }

  #ended(why: LinkEnd, order: readonly Held[]): void {
    const goodbye = this.#goodbye;
    if (goodbye !== undefined) this.#end(endOf(goodbye.code, goodbye.reason));
    else if (why.advice === 'stop' && order.some(({ refs }) => refs.length > 0)) {
      // The request was refused for what it asked: that is each one's answer.
      const code = why.code as ErrorFrame['code'];
      for (const held of order.filter(({ refs }) => refs.length > 0)) {
        this.#refused({ type: 'error', code, message: code }, held);
      }
      this.#unanswered = 0;
      this.#isDue = true;
      this.#change();
    } else this.#end(why);
  }
}
