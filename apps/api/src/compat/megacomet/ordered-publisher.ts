/** Publishes the messages of one connection in the order in which they came. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Code, PublishOutcome } from '@halley/shared/protocol';
import type { Publisher } from '@halley/shared/publish';
import { storeRefusal } from '@halley/shared/redis';
import type { ManagerCounters } from './counters.js';
import type { PrivateMessage } from './decode.js';
import { UNAVAILABLE_RETRY_INTERVAL_MS, UNAVAILABLE_RETRY_MAX_MS } from './limits.js';

/** Refusals of the moment. */
const NOT_STORED: ReadonlySet<Code> = new Set(['unavailable', 'overloaded']);

export interface OrderedPublisherOptions {
  readonly publisher: Pick<Publisher, 'toClient'>;
  readonly counters: Pick<ManagerCounters, 'stored' | 'dropped' | 'retried'>;
  /** Ends the waiting for a store that is away. */
  readonly signal: AbortSignal;
  /** Default `UNAVAILABLE_RETRY_MAX_MS`. */
  readonly retryMaxMs?: number;
}

export class OrderedPublisher {
  readonly #options: OrderedPublisherOptions;
  /** When the store was first found away; null while it answers. */
  #awaySinceMs: number | null = null;

  constructor(options: OrderedPublisherOptions) {
    this.#options = options;
  }

  /** Resolves when each message is stored or dropped; never rejects. One call at a time. */
  async publish(messages: readonly PrivateMessage[]): Promise<void> {
    const { publisher, counters } = this.#options;
    let waiting = messages;
    while (waiting.length > 0) {
      const outcomes = await Promise.all(
        waiting.map(({ clientId, body, key }) => publisher.toClient(clientId, body, key)),
      );
      waiting = this.#settle(waiting, outcomes);
      if (waiting.length === 0 || (await this.#mayRetry())) continue;
      for (const _ of waiting) counters.dropped(storeRefusal('unavailable'));
      return;
    }
  }

  /**
   * Counts what has an outcome. What is left was not stored, for want of the store or since too much was under way, and may be sent again:
   * but not after a later message to the same client, which would then come first.
   */
  #settle(
    messages: readonly PrivateMessage[],
    outcomes: readonly PublishOutcome[],
  ): readonly PrivateMessage[] {
    const { counters } = this.#options;
    const overtaken = new Set<string>();
    const left: PrivateMessage[] = [];
    for (const [index, message] of [...messages.entries()].reverse()) {
      const outcome = outcomes[index];
      if (outcome === undefined) continue;
      if (!('code' in outcome)) {
        this.#awaySinceMs = null;
        counters.stored(outcome.repeated === true);
        overtaken.add(message.clientId);
      } else if (NOT_STORED.has(outcome.code) && !overtaken.has(message.clientId)) {
        left.push(message);
      } else {
        counters.dropped(outcome);
        if (outcome.code === 'outcome-unknown') overtaken.add(message.clientId);
      }
    }
    return left.reverse();
  }

  /** The bound is on the outage, not on a batch: behind a long one, the messages would only be stale. */
  async #mayRetry(): Promise<boolean> {
    const now = performance.now();
    this.#awaySinceMs ??= now;
    const { counters, signal, retryMaxMs = UNAVAILABLE_RETRY_MAX_MS } = this.#options;
    if (now - this.#awaySinceMs >= retryMaxMs) return false;
    counters.retried();
    return pause(UNAVAILABLE_RETRY_INTERVAL_MS, true, { signal }).catch(() => false);
  }
}
