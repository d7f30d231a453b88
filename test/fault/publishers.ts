/** Numbered messages over REST: each with a key, repeated until its outcome is known. */

import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { clientOfQueue, type History, type Publication, type Stream } from './history.js';

/** Longer than what an api waits for Redis. */
const ANSWER_DEADLINE_MS = 5_000;
const RETRY_MS = 200;
const RETRY_MAX_MS = 2_000;
const MS_PER_SECOND = 1_000;
/** After the stop, for what is not known by then. */
const OUTCOME_DEADLINE_MS = 30_000;

export interface PublisherOptions {
  readonly history: History;
  readonly name: string;
  /** Addresses of the apis that run now; each attempt goes to another one. */
  readonly apis: () => readonly string[];
  readonly streams: readonly Stream[];
  /** Between two messages. */
  readonly intervalMs: number;
}

type Attempt =
  | { readonly outcome: 'accepted'; readonly id: string }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'again'; readonly waitMs: number };

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #agent = new Agent({
    headersTimeout: ANSWER_DEADLINE_MS,
    bodyTimeout: ANSWER_DEADLINE_MS,
    connect: { timeout: ANSWER_DEADLINE_MS },
  });
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #count = 0;
  #calls = 0;
  #stopAtMs = Number.POSITIVE_INFINITY;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Publishes nothing new; resolves once all outcomes are known, or 30 s later. */
  async stop(): Promise<void> {
    this.#stopAtMs = performance.now();
    this.#stopping.abort();
    await this.#done;
    await this.#agent.destroy();
  }

  /** One message more, beside those that come by themselves. */
  publish(stream: Stream): Promise<Publication['outcome']> {
    this.#count += 1;
    return this.#settle(stream, `${this.#options.name}-${this.#count}`);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { streams, intervalMs } = this.#options;
    for (let turn = 0; streams.length > 0 && !signal.aborted; turn += 1) {
      const nextMs = performance.now() + intervalMs;
      await this.publish(streams[turn % streams.length] as Stream);
      const restMs = Math.max(0, nextMs - performance.now());
      await pause(restMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #settle(stream: Stream, number: string): Promise<Publication['outcome']> {
    const sentAt = performance.now();
    const book = (attempts: number, end: { outcome: Publication['outcome']; id?: string }) => {
      this.#options.history.add({ kind: 'published', sentAt, stream, number, attempts, ...end });
      return end.outcome;
    };
    for (let attempts = 1; ; attempts += 1) {
      const attempt = await this.#attempt(stream, number, attempts);
      if (attempt.outcome !== 'again') return book(attempts, attempt);
      if (performance.now() > this.#stopAtMs + OUTCOME_DEADLINE_MS) {
        return book(attempts, { outcome: 'unknown' });
      }
      await pause(attempt.waitMs);
    }
  }

  async #attempt(stream: Stream, number: string, attempts: number): Promise<Attempt> {
    const backoffMs = Math.min(RETRY_MAX_MS, RETRY_MS * attempts);
    const apis = this.#options.apis();
    this.#calls += 1;
    const api = apis[this.#calls % Math.max(1, apis.length)];
    if (api === undefined) return { outcome: 'again', waitMs: backoffMs };
    try {
      const answer = await request(api + pathOf(stream), {
        method: 'POST',
        headers: { authorization: 'Bearer dev-key', 'content-type': 'application/json' },
        body: JSON.stringify({ data: number, key: number }),
        dispatcher: this.#agent,
      });
      const body = (await answer.body.json()) as { readonly id?: string };
      const { statusCode: status, headers } = answer;
      if ((status === 200 || status === 201) && body.id !== undefined) {
        return { outcome: 'accepted', id: body.id };
      }
      if (status < 500 && status !== 429) return { outcome: 'refused' };
      const seconds = Number(headers['retry-after'] ?? 0);
      return { outcome: 'again', waitMs: Math.max(seconds * MS_PER_SECOND, RETRY_MS) };
    } catch {
      return { outcome: 'again', waitMs: backoffMs };
    }
  }
}

function pathOf(stream: Stream): string {
  const clientId = clientOfQueue(stream);
  return clientId === null
    ? `/channels/${encodeURIComponent(stream)}/messages`
    : `/clients/${encodeURIComponent(clientId)}/messages`;
}
