import { type Logger, LoopDelay, Metrics } from '@halley/shared/ops';
import type { Refusal } from '@halley/shared/protocol';
import type { EdgeEvent } from '@halley/shared/redis';
import type { Counters, Subject } from '../core/ports/counters.js';

/** Refusals and cuts that are kept for whoever asks why. */
const EVENTS_KEPT = 1_000;

/** What happens on this edge, as metrics, as log lines, and as a list of the last refusals and cuts. */
export class EdgeCounters implements Counters {
  readonly metrics = new Metrics();
  readonly loopDelay = new LoopDelay();
  readonly #log: Logger;
  readonly #events: EdgeEvent[] = [];
  #delivered = 0;
  #deliveredBytes = 0;

  readonly #refusals = this.metrics.counter({
    name: 'halley_refusals_total',
    help: 'Frames and connections that were refused, by code',
    labelNames: ['code'],
  });
  readonly #cuts = this.metrics.counter({
    name: 'halley_connections_cut_total',
    help: 'Connections that this edge ended, by code',
    labelNames: ['code'],
  });
  readonly #slowReaderCuts = this.metrics.counter({
    name: 'halley_slow_reader_cuts_total',
    help: 'Connections that were ended because they did not read',
  });
  readonly #rollbacks = this.metrics.counter({
    name: 'halley_log_rollbacks_total',
    help: 'Times that Redis was found to have lost messages that had been given out',
  });
  readonly #storeFailures = this.metrics.counter({
    name: 'halley_store_failures_total',
    help: 'Calls to Redis that failed and will be repeated',
    labelNames: ['what'],
  });
  readonly #subscriberLosses = this.metrics.counter({
    name: 'halley_subscriber_losses_total',
    help: 'Subscriber connections that were lost or found deaf',
  });

  constructor(log: Logger) {
    this.#log = log;
    this.metrics.collectProcess();
    const counters = this;
    this.metrics.counter({
      name: 'halley_messages_delivered_total',
      help: 'Messages handed to connections',
      collect() {
        this.reset();
        this.inc(counters.#delivered);
      },
    });
    this.metrics.counter({
      name: 'halley_bytes_delivered_total',
      help: 'Bytes of message frames handed to connections',
      collect() {
        this.reset();
        this.inc(counters.#deliveredBytes);
      },
    });
  }

  get deliveredMessages(): number {
    return this.#delivered;
  }

  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  get events(): readonly EdgeEvent[] {
    return this.#events;
  }

  delivered(connections: number, bytes: number): void {
    this.#delivered += connections;
    this.#deliveredBytes += bytes;
  }

  rolledBack(): void {
    this.#rollbacks.inc();
    this.#log.warn('Redis has lost messages that were given out');
  }

  storeFailed(what: string, error: unknown): void {
    this.#storeFailures.inc({ what });
    this.#log.warn({ what, err: error }, 'a call to Redis failed and will be repeated');
  }

  failed(error: unknown): void {
    this.#log.error({ err: error }, 'a defect');
  }

  subscriberLost(): void {
    this.#subscriberLosses.inc();
    this.#log.warn('the subscriber connection was lost');
  }

  refused({ code, message }: Refusal, subject: Subject): void {
    this.#refusals.inc({ code });
    this.#keep('refused', code, message, subject);
  }

  cut(code: string, subject: Subject): void {
    this.#cuts.inc({ code });
    if (code === 'slow-reader') this.#slowReaderCuts.inc();
    this.#keep('cut', code, '', subject);
  }

  #keep(kind: EdgeEvent['kind'], code: string, detail: string, subject: Subject): void {
    const { connectionId, clientId, channel, address } = subject;
    if (this.#events.length >= EVENTS_KEPT) this.#events.splice(0, EVENTS_KEPT / 10);
    this.#events.push({
      at: Date.now(),
      kind,
      code,
      detail: address === undefined ? detail : `${detail} (from ${address})`,
      ...(connectionId !== '' && { connectionId }),
      ...(clientId !== undefined && { clientId }),
      ...(channel !== undefined && { channel }),
    });
  }
}
