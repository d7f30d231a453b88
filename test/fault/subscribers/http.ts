/** What the clients over HTTP share: an address with a cursor, runs of requests, and waits between them. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { Stream } from '../history.js';
import { Recorder, type Subscriber, type SubscriberOptions } from './recorder.js';

const NETWORK_CLOSE = 1006;
const MS_PER_SECOND = 1_000;

/** What a client over HTTP knows of itself as text: `1~<position>~<position>~~<queue position>`. */
export function cursorOf(recorder: Recorder): string {
  const { channels } = recorder.options;
  const seen = channels.map((channel) => recorder.positions.get(channel) ?? '_');
  const queue = recorder.queue === null ? undefined : recorder.positions.get(recorder.queue);
  return ['1', ...seen].join('~') + (queue === undefined ? '' : `~~${queue}`);
}

/** The position that a cursor shows, or an id that is a position itself. */
export function shownBy(cursor: string | null, recorder: Recorder) {
  const [seen = '', queue = null] = (cursor ?? '').split('~~');
  const isCursor = seen.startsWith('1~');
  const positions = isCursor ? seen.split('~').slice(1) : [seen];
  return (stream: Stream): Position | null => {
    if (stream === recorder.queue) return queue;
    const position = positions[recorder.options.channels.indexOf(stream)];
    return position === undefined || position === '_' || position === '' ? null : position;
  };
}

export abstract class HttpSubscriber implements Subscriber {
  readonly name: string;
  readonly channels: readonly string[];
  readonly clientId: string | undefined;
  protected readonly recorder: Recorder;
  protected readonly stopping = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: SubscriberOptions) {
    this.name = options.name;
    this.channels = options.channels;
    this.clientId = options.clientId;
    this.recorder = new Recorder(options);
    this.#done = this.#run();
  }

  get edgeId(): string | null {
    return this.recorder.edgeId;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.#done;
  }

  /** One request and its whole answer. @returns how long to wait before the next one, ms */
  protected abstract once(signal: AbortSignal): Promise<number>;

  /** Nothing came back. */
  protected broken(): void {
    this.recorder.edgeId = null;
  }

  protected address(path: string, query: Readonly<Record<string, string | null>> = {}): URL {
    const url = new URL(path, this.recorder.options.url);
    for (const channel of this.channels) url.searchParams.append('channel', channel);
    const all = { client: this.clientId ?? null, ...query };
    for (const [name, value] of Object.entries(all)) {
      if (value !== null) url.searchParams.set(name, value);
    }
    return url;
  }

  /** What an answer other than 200 asks for. @returns how long to wait, ms */
  protected refused(response: Response): number {
    const seconds = Number(response.headers.get('retry-after'));
    void response.body?.cancel().catch(() => undefined);
    if (response.status !== 503 && response.status !== 429) {
      this.recorder.refused(0, String(response.status));
    }
    return Math.max(seconds * MS_PER_SECOND, this.recorder.waitMs(NETWORK_CLOSE));
  }

  /** @returns how long to wait before the next request, ms; null where the frame ends nothing */
  protected waitAfter(connection: number, frame: ServerFrame): number | null {
    if (frame.type === 'goodbye') return frame.retryAfterMs ?? 0;
    if (frame.type !== 'error') return null;
    // A channel that was refused for the moment is asked for again by the next request.
    if (frame.retryAfterMs === undefined) this.recorder.refused(connection, frame.code);
    return frame.retryAfterMs ?? null;
  }

  async #run(): Promise<void> {
    const { signal } = this.stopping;
    // The fields of the class below are set by then.
    await Promise.resolve();
    while (!signal.aborted) {
      const waitMs = await this.once(signal).catch(() => {
        this.broken();
        return this.recorder.waitMs(NETWORK_CLOSE);
      });
      await pause(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
