import type { HalleyError } from './errors.js';
import type { Authorize } from './options.js';
import type { Gap, Member, Message, Position } from './types.js';

export interface SubscribeOptions {
  /** Begin with the last so many messages (at most 1,000). */
  readonly last?: number;
  /** Begin after this position, where `last` is not given. */
  readonly after?: Position;
  /** false: messages that this object has published itself are not delivered. Default: true. */
  readonly echo?: boolean;
  /** As the option of `Halley`, for this channel, and asked before the first attempt. */
  readonly authorize?: true | string | Authorize;
}

export interface SubscriptionEvents {
  readonly message: Message;
  readonly join: Member;
  readonly leave: Member;
  readonly gap: Gap;
  /** Messages arrive, at the start and after each reconnect. */
  readonly ready: { readonly position: Position; readonly recovered?: boolean | undefined };
  /** No message will come any more. `code` says why; it is absent after `unsubscribe()`. */
  readonly end: { readonly code?: string | undefined };
}

/** A channel's messages: by the handler of `subscribe`, or by `for await`. */
export interface Subscription extends AsyncIterable<Message> {
  readonly channel: string;
  /** Resolves at the first subscription. @throws HalleyError where the channel is refused */
  readonly ready: Promise<void>;
  /** Of the newest message that arrived; null before anything is known. */
  readonly position: Position | null;
  /** Members at the time of the subscription, where the namespace counts them. */
  readonly members: number | null;
  /** @returns takes the handler off again */
  on<E extends keyof SubscriptionEvents>(
    event: E,
    handler: (value: SubscriptionEvents[E]) => void,
  ): () => void;
  unsubscribe(): void;
  /** Messages from now on. A loop that falls behind by more than 1,000 ends by `slow-iterator`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message>;
}

export type MessageHandler = (message: Message) => unknown;

/** The failure that ended a subscription; null after `unsubscribe()`. */
export type Ending = HalleyError | null;
