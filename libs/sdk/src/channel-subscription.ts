import type { GapFrame, JoinFrame, MessageFrame, SubscribedFrame } from '@halley/shared/protocol';
import { Emitter } from './emitter.js';
import { MessageQueue } from './message-queue.js';
import type { Authorize } from './options.js';
import { Progress } from './progress.js';
import type { PublishLog } from './publish-log.js';
import type {
  Ending,
  MessageHandler,
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
} from './subscription.js';
import type { Position } from './types.js';

export interface Owner {
  /** Nobody wants it any more. */
  release(subscription: ChannelSubscription): void;
  onFault(thrown: unknown): void;
  onGap(gap: { readonly channel: string; readonly position: Position }): void;
}

/** One subscription of the application: how far it has come, and whom it tells. */
export class ChannelSubscription implements Subscription {
  readonly channel: string;
  readonly ready: Promise<void>;
  readonly echo: boolean;
  readonly authorize: Authorize | undefined;
  /** Not only once the edge refuses the channel without one. */
  readonly wantsToken: boolean;
  /** The token of this channel, once it was needed. */
  token: string | null = null;
  /** Times in a row that the edge refused the token. */
  refusals = 0;
  members: number | null = null;
  isEnded = false;
  /** The connection of now carries it. */
  isLive = false;
  /** Of the next attempt to subscribe. */
  cancelRetry: () => void = () => undefined;
  readonly #owner: Owner;
  readonly #last: number | undefined;
  readonly #progress: Progress;
  readonly #emitter: Emitter<SubscriptionEvents>;
  readonly #queues = new Set<MessageQueue>();
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  /** A position of its own is known, so that `last` counts no more. */
  #hasBegun: boolean;
  /** What comes before it is delivered before. */
  #held: Promise<unknown> | null = null;

  constructor(
    owner: Owner,
    channel: string,
    onMessage: MessageHandler | null,
    options: SubscribeOptions & { readonly authorizer: Authorize | undefined },
  ) {
    const { last, after, echo = true, authorizer, authorize } = options;
    this.#owner = owner;
    this.channel = channel;
    this.#last = last;
    this.#progress = new Progress(after);
    this.#hasBegun = after !== undefined;
    this.echo = echo;
    this.authorize = authorizer;
    this.wantsToken = authorize !== undefined;
    this.#emitter = new Emitter((thrown) => owner.onFault(thrown));
    if (onMessage !== null) this.#emitter.on('message', onMessage);
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Told by `end` as well: nobody has to look at it.
    this.ready.catch(() => undefined);
  }

  get position(): Position | null {
    return this.#hasBegun ? this.#progress.position : null;
  }

  /**
   * What to say at the next subscribe.
   * @param kept the position of the page that was here before
   */
  startFrom(kept: Position | undefined): { readonly after?: Position; readonly last?: number } {
    if (!this.#hasBegun && kept !== undefined) {
      this.#progress.position = kept;
      this.#hasBegun = true;
    }
    const { position } = this.#progress;
    if (this.#hasBegun && position !== null) return { after: position };
    return this.#last === undefined ? {} : { last: this.#last };
  }

  on<E extends keyof SubscriptionEvents>(
    event: E,
    handler: (value: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#emitter.on(event, handler);
  }

  unsubscribe(): void {
    this.end(null);
  }

  [Symbol.asyncIterator](): MessageQueue {
    const queue = new MessageQueue((done) => this.#queues.delete(done));
    if (this.isEnded) queue.end(null);
    else this.#queues.add(queue);
    return queue;
  }

  subscribed(frame: SubscribedFrame): void {
    const { position, recovered, replayed } = frame;
    this.isLive = true;
    this.refusals = 0;
    this.members = frame.members ?? null;
    const hasGap = this.#progress.resumed(frame);
    // A rewind that is cut before its first message begins anew.
    if (recovered !== undefined || !replayed) this.#hasBegun = true;
    this.#resolve();
    this.#emitter.emit('ready', { position, recovered });
    if (hasGap) this.#tellGap(position);
  }

  /** @param own what is not to be delivered */
  receive(frame: MessageFrame, own: PublishLog | null): void {
    if (!this.isLive || !this.#progress.take(frame.id)) return;
    this.#hasBegun = true;
    const unknown = own?.unknown(this.channel) ?? null;
    if (unknown === null && this.#held === null) {
      if (own?.has(frame.id) !== true) this.#deliver(frame);
      return;
    }
    const held = Promise.all([this.#held, unknown]).then(() => {
      if (this.#held === held) this.#held = null;
      if (own?.has(frame.id) !== true) this.#deliver(frame);
    });
    this.#held = held;
  }

  gap({ position }: GapFrame): void {
    if (!this.isLive) return;
    this.#progress.position = position;
    this.#hasBegun = true;
    this.#tellGap(position);
  }

  presence({ type, clientId, info }: JoinFrame): void {
    if (this.isLive) this.#emitter.emit(type, { clientId, info });
  }

  end(ending: Ending): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.isLive = false;
    this.cancelRetry();
    this.#owner.release(this);
    if (ending === null) this.#resolve();
    else this.#reject(ending);
    for (const queue of this.#queues) queue.end(ending);
    this.#emitter.emit('end', { code: ending?.code });
  }

  #tellGap(position: Position): void {
    const gap = { channel: this.channel, position };
    this.#emitter.emit('gap', gap);
    this.#owner.onGap(gap);
  }

  #deliver({ type: _, ...message }: MessageFrame): void {
    if (this.isEnded) return;
    for (const queue of this.#queues) queue.push(message);
    this.#emitter.emit('message', message);
  }
}
