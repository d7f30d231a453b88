/** A client of `/v1/sse` (Last-Event-ID) or `/v1/stream` (cursor): reads without end, comes back. */

import type { ServerFrame } from '@halley/shared/protocol';
import { cursorOf, HttpSubscriber, shownBy } from './http.js';
import type { SubscriberOptions } from './recorder.js';
import { Timers } from './timers.js';

const DATA = 'data: ';
const ID = 'id: ';

export class PushSubscriber extends HttpSubscriber {
  readonly #path: '/v1/sse' | '/v1/stream';
  /** As SSE names it; the cursor of the stream. */
  #lastId: string | null = null;
  #pingIntervalMs: number;
  readonly #silence = new Timers();

  constructor(options: SubscriberOptions, path: '/v1/sse' | '/v1/stream') {
    super(options);
    this.#path = path;
    this.#pingIntervalMs = options.patience.welcomeMs;
  }

  override async stop(): Promise<void> {
    this.#silence.stop();
    await super.stop();
  }

  protected override async once(signal: AbortSignal): Promise<number> {
    const { patience } = this.recorder.options;
    const given = new AbortController();
    const shown = this.#lastId;
    let cancel = this.#silence.later(patience.welcomeMs, () => given.abort());
    try {
      const response = await fetch(this.#address(shown), {
        headers: this.#path === '/v1/sse' && shown !== null ? { 'last-event-id': shown } : {},
        signal: AbortSignal.any([signal, given.signal]),
      });
      if (!response.ok || response.body === null) return this.refused(response);
      const connection = this.recorder.begin();
      const after = shownBy(shown, this.recorder);
      let waitMs: number | null = null;
      for await (const line of linesOf(response.body)) {
        cancel();
        cancel = this.#silence.later(this.#pingIntervalMs + patience.pongMs, () => given.abort());
        const frame = this.#read(line);
        if (frame === null) continue;
        if (frame.type === 'welcome') this.#pingIntervalMs = frame.pingIntervalMs;
        this.recorder.frame(connection, frame, after);
        waitMs = this.waitAfter(connection, frame);
        if (this.#path === '/v1/stream') this.#lastId = cursorOf(this.recorder);
        if (waitMs !== null) break;
      }
      this.recorder.ended(connection, waitMs === null ? 'ended' : 'goodbye');
      return waitMs ?? this.recorder.waitMs(1006);
    } finally {
      cancel();
      given.abort();
    }
  }

  protected override broken(): void {
    if (this.edgeId !== null) this.recorder.ended(0, 'broken');
  }

  #address(shown: string | null): URL {
    return this.address(this.#path, this.#path === '/v1/sse' ? {} : { cursor: shown });
  }

  #read(line: string): ServerFrame | null {
    if (this.#path === '/v1/stream') return line === '' ? null : JSON.parse(line);
    if (line.startsWith(ID)) this.#lastId = line.slice(ID.length);
    return line.startsWith(DATA) && line.length > DATA.length
      ? JSON.parse(line.slice(DATA.length))
      : null;
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
