import type { HistoryAnswerFrame, Ref, ServerFrame } from '@halley/shared/protocol';
import { Calls } from './calls.js';
import { ChannelSubscription, type Owner } from './channel-subscription.js';
import { HalleyError } from './errors.js';
import type { ClientFrame } from './frames.js';
import { REF_SEPARATOR } from './hub.js';
import type { Keeper } from './keeper.js';
import type { Line, Note } from './line.js';
import { addTo } from './multimap.js';
import { newName } from './names.js';
import type { Authorize } from './options.js';
import { PublishLog } from './publish-log.js';
import { QueueRelay } from './queue-relay.js';
import { errorOf, isPassing } from './refusals.js';
import type { MessageHandler, SubscribeOptions } from './subscription.js';
import { later, type Timings } from './timings.js';
import type { Gap, Position, PrivateMessage, Published } from './types.js';

export interface SessionEvents {
  onPrivate(message: PrivateMessage): void;
  onGap(gap: Gap): void;
  onFault(thrown: unknown): void;
}

export type NewCall =
  | Omit<Extract<ClientFrame, { type: 'history' }>, 'ref'>
  | Omit<Extract<ClientFrame, { type: 'members' }>, 'ref'>;

const RETRY_MS = 1_000;
/** After these another token of the channel may help. */
const TOKEN_NEEDED = /^(forbidden|bad-token|token-expired|token-revoked)$/;
const TOKEN_REFUSALS_MAX = 2;

/**
 * What the application has asked for, and how far it has come: asked again of each new connection, so that
 * nobody above has to know that there was another one before.
 */
export class Session implements Owner {
  readonly #tab: string;
  readonly #events: SessionEvents;
  readonly #calls: Calls;
  readonly #published = new PublishLog();
  readonly queue = new QueueRelay();
  readonly #byChannel = new Map<string, Set<ChannelSubscription>>();
  readonly #byRef = new Map<Ref, ChannelSubscription>();
  #line: Line | null = null;
  #keeper: Keeper | null = null;
  /** Null while frames cannot be sent. */
  #connectionId: string | null = null;
  #lastRef = 0;
  #outbox: ClientFrame[] = [];

  /** @param tab names this page among those that share a connection */
  constructor(tab: string, timings: Timings, events: SessionEvents) {
    this.#tab = tab;
    this.#events = events;
    this.#calls = new Calls((frames) => this.#send(frames), timings);
  }

  /** @param keeper where positions outlive the page */
  begin(line: Line, keeper: Keeper | null): void {
    this.#line = line;
    this.#keeper = keeper;
    this.queue.begin(keeper?.queuePosition ?? null);
  }

  get queuePosition(): Position | null {
    return this.queue.position;
  }

  /** Of each channel that was begun. */
  positions(): Record<string, Position> {
    const positions: Record<string, Position> = {};
    for (const [channel, [first]] of this.#byChannel) {
      if (first?.position != null) positions[channel] = first.position;
    }
    return positions;
  }

  subscribe(
    channel: string,
    onMessage: MessageHandler | null,
    options: SubscribeOptions & { readonly authorizer: Authorize | undefined },
  ): ChannelSubscription {
    const subscription = new ChannelSubscription(this, channel, onMessage, options);
    addTo(this.#byChannel, channel, subscription);
    this.#request(subscription);
    return subscription;
  }

  async publish(
    channel: string,
    data: unknown,
    options: { readonly event?: string; readonly key?: string },
  ): Promise<Published> {
    // With a key it can be sent again after a loss, and arrives once.
    const key = options.key ?? newName();
    const frame = { type: 'publish', ref: this.#newRef(), channel, data, ...options, key } as const;
    const answer = this.#calls.ask(frame) as Promise<ServerFrame & Published>;
    this.#published.track(channel, answer);
    const { id, repeated } = await answer;
    // A key of its own is repeated by nobody else.
    return { id, repeated: options.key === undefined ? undefined : repeated };
  }

  /** @returns the answer, without what makes it a frame */
  async ask(call: NewCall): Promise<unknown> {
    const answer = await this.#calls.ask({ ...call, ref: this.#newRef() });
    const { type: _, ref: __, channel: ___, ...page } = answer as HistoryAnswerFrame;
    return page;
  }

  receive(note: Note): void {
    if (note.type === 'up') this.#up(note);
    else if (note.type === 'down') this.#down();
    else if (note.type === 'frame') this.#route(note.frame);
  }

  /** What waits for an answer gets this one. */
  failCalls(error: HalleyError): void {
    this.#calls.failAll(error);
  }

  #up({ connectionId, queuePosition, gap }: Extract<Note, { type: 'up' }>): void {
    this.#down();
    this.#connectionId = connectionId;
    this.queue.begin(queuePosition);
    if (gap) this.#lostPrivate(gap, queuePosition ?? gap);
    for (const siblings of this.#byChannel.values()) {
      for (const subscription of siblings) this.#request(subscription);
    }
    this.#send(this.#calls.pending());
  }

  #down(): void {
    this.#connectionId = null;
    this.#outbox = [];
    this.#byRef.clear();
    for (const siblings of this.#byChannel.values()) {
      for (const subscription of siblings) {
        subscription.isLive = false;
        subscription.cancelRetry();
      }
    }
  }

  #route(frame: ServerFrame): void {
    if (this.#calls.takes(frame)) return;
    if ('ref' in frame && frame.ref !== undefined) this.#answered(frame, frame.ref);
    else if (frame.type === 'private') {
      const { id, data, event } = frame;
      if (this.queue.take(frame)) this.#events.onPrivate({ id, data, event });
    } else if (frame.type === 'error') this.onFault(errorOf(frame));
    else if (frame.type === 'gap' && frame.channel === undefined) this.#lostPrivate(frame.position);
    else if ('channel' in frame && frame.channel !== undefined) {
      for (const one of [...(this.#byChannel.get(frame.channel) ?? [])]) this.#tell(one, frame);
    }
  }

  #tell(subscription: ChannelSubscription, frame: ServerFrame): void {
    if (frame.type === 'message') {
      subscription.receive(frame, subscription.echo ? null : this.#published);
    } else if (frame.type === 'gap') subscription.gap(frame);
    else if (frame.type === 'join' || frame.type === 'leave') subscription.presence(frame);
    else if (frame.type === 'unsubscribed' && subscription.isLive) {
      subscription.isLive = false;
      const code = frame.code ?? 'kicked';
      this.#refused(subscription, new HalleyError(code));
    }
  }

  /** @param from what follows begins after this, wherever it had been */
  #lostPrivate(position: Position, from = position): void {
    this.queue.jump(from);
    this.onGap({ position });
  }

  #answered(frame: ServerFrame, ref: Ref): void {
    const subscription = this.#byRef.get(ref);
    this.#byRef.delete(ref);
    if (subscription === undefined || subscription.isEnded) return;
    if (frame.type === 'subscribed') subscription.subscribed(frame);
    else if (frame.type === 'error') {
      if (isPassing(frame)) this.#requestLater(subscription, frame.retryAfterMs);
      else this.#refused(subscription, errorOf(frame));
    }
  }

  /** Ends it, unless another token may help. */
  #refused(subscription: ChannelSubscription, error: HalleyError): void {
    const isHopeful = subscription.authorize !== undefined && TOKEN_NEEDED.test(error.code);
    subscription.refusals += 1;
    if (!isHopeful || subscription.refusals >= TOKEN_REFUSALS_MAX) subscription.end(error);
    else void this.#authorize(subscription);
  }

  async #authorize(subscription: ChannelSubscription): Promise<void> {
    const { channel, authorize } = subscription;
    const connectionId = this.#connectionId as string;
    try {
      subscription.token = (await authorize?.(channel, connectionId)) ?? null;
    } catch (cause) {
      this.onFault(new HalleyError('not-authorized', { cause, channel }));
      // The site may be away for a moment.
      this.#requestLater(subscription);
      return;
    }
    if (subscription.token === null) {
      subscription.end(new HalleyError('not-authorized', { channel }));
    } else if (connectionId === this.#connectionId) this.#request(subscription);
  }

  #requestLater(subscription: ChannelSubscription, delayMs = RETRY_MS): void {
    subscription.cancelRetry();
    subscription.cancelRetry = later(delayMs, () => this.#request(subscription));
  }

  #request(subscription: ChannelSubscription): void {
    if (subscription.isEnded || this.#connectionId === null) return;
    const { channel, token, authorize, wantsToken } = subscription;
    if (wantsToken && token === null && authorize !== undefined) {
      void this.#authorize(subscription);
      return;
    }
    const ref = this.#newRef();
    this.#byRef.set(ref, subscription);
    const start = subscription.startFrom(this.#keeper?.positionOf(channel));
    this.#send([{ type: 'subscribe', ref, channel, ...start, token: token ?? undefined }]);
  }

  onFault(thrown: unknown): void {
    this.#events.onFault(thrown);
  }

  onGap(gap: Gap): void {
    this.#events.onGap(gap);
  }

  release(subscription: ChannelSubscription): void {
    const { channel } = subscription;
    const siblings = this.#byChannel.get(channel);
    if (siblings?.delete(subscription) !== true || siblings.size > 0) return;
    this.#byChannel.delete(channel);
    this.#keeper?.forget(channel);
    this.#send([{ type: 'unsubscribe', ref: this.#newRef(), channel }]);
  }

  /** Frames of one turn go out together; what cannot be sent is asked again of the next connection. */
  #send(frames: readonly ClientFrame[]): void {
    if (this.#connectionId === null || frames.length === 0) return;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push(...frames);
  }

  #flush(): void {
    const frames = this.#outbox;
    this.#outbox = [];
    if (frames.length > 0) this.#line?.send(frames);
  }

  #newRef(): string {
    this.#lastRef += 1;
    return this.#tab + REF_SEPARATOR + this.#lastRef;
  }
}
