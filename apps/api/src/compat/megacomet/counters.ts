/** What becomes of the frames: the protocol has no answers, so the metrics and the log say it. */

import type { Counter, Logger, Metrics } from '@halley/shared/ops';
import type { Refusal } from '@halley/shared/protocol';
import { LOG_INTERVAL_MS } from './limits.js';

/** Why a connection is closed as soon as it comes. */
export type ConnectionRefusal = 'not-allowed' | 'too-many';

export class ManagerCounters {
  readonly #log: Logger;
  readonly #messages: Counter<'outcome'>;
  readonly #dropped: Counter<'reason'>;
  readonly #refused: Counter<'reason'>;
  readonly #skippedBytes: Counter;
  readonly #retries: Counter;
  #untold = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param countConnections those that are open */
  constructor(metrics: Metrics, log: Logger, countConnections: () => number) {
    this.#log = log;
    metrics.gauge({
      name: 'halley_megacomet_manager_connections',
      help: 'Connections of apps to the port of the MegaComet manager.',
      collect() {
        this.set(countConnections());
      },
    });
    this.#refused = metrics.counter({
      name: 'halley_megacomet_manager_connections_refused_total',
      help: 'Connections to the port of the MegaComet manager that were closed at once.',
      labelNames: ['reason'],
    });
    this.#messages = metrics.counter({
      name: 'halley_megacomet_manager_messages_total',
      help: 'Messages by the protocol of the MegaComet manager that the store took.',
      labelNames: ['outcome'],
    });
    this.#dropped = metrics.counter({
      name: 'halley_megacomet_manager_dropped_total',
      help: 'Frames and messages by the protocol of the MegaComet manager that were dropped.',
      labelNames: ['reason'],
    });
    this.#skippedBytes = metrics.counter({
      name: 'halley_megacomet_manager_skipped_bytes_total',
      help: 'Bytes between frames of the MegaComet manager that belonged to none.',
    });
    this.#retries = metrics.counter({
      name: 'halley_megacomet_manager_retries_total',
      help: 'Times that messages of a connection waited for a store that was away.',
    });
  }

  stored(isRepeated: boolean): void {
    this.#messages.inc({ outcome: isRepeated ? 'repeated' : 'stored' });
  }

  dropped({ code, message }: Refusal): void {
    this.#dropped.inc({ reason: code });
    this.#tell(code, 'messages for clients of MegaComet are dropped', message);
  }

  refused(reason: ConnectionRefusal, address: string): void {
    this.#refused.inc({ reason });
    this.#tell(reason, 'connections to the MegaComet manager are refused', address);
  }

  skipped(bytes: number): void {
    if (bytes > 0) this.#skippedBytes.inc(bytes);
  }

  retried(): void {
    this.#retries.inc();
  }

  /** Tells what was not told yet. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tellRest();
  }

  /** The first one at once, those of the next second as numbers: a flood must not become one of lines. */
  #tell(reason: string, what: string, example: string): void {
    if (this.#timer !== undefined) {
      this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + 1);
      return;
    }
    this.#log.warn({ reason, example }, what);
    this.#wait();
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#tellRest()) this.#wait();
    }, LOG_INTERVAL_MS);
    this.#timer.unref();
  }

  #tellRest(): boolean {
    if (this.#untold.size === 0) return false;
    const counts = Object.fromEntries(this.#untold);
    this.#log.warn({ counts }, 'the MegaComet manager dropped or refused more');
    this.#untold = new Map();
    return true;
  }
}
