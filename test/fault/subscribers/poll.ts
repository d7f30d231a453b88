/** A client of `/v1/poll`: shows its cursor, takes what is new, polls again. */

import type { ServerFrame } from '@halley/shared/protocol';
import { HttpSubscriber, shownBy } from './http.js';

const WAIT_SECONDS = 5;
const MS_PER_SECOND = 1_000;

interface Polled {
  readonly cursor: string;
  readonly frames: readonly ServerFrame[];
}

export class PollSubscriber extends HttpSubscriber {
  #cursor: string | null = null;
  #connection = 0;

  protected override async once(signal: AbortSignal): Promise<number> {
    const { patience } = this.recorder.options;
    const shown = this.#cursor;
    const wait = String(WAIT_SECONDS);
    const deadlineMs = WAIT_SECONDS * MS_PER_SECOND + patience.pongMs;
    const response = await fetch(this.address('/v1/poll', { cursor: shown, wait }), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    if (!response.ok) return this.refused(response);
    const { cursor, frames } = (await response.json()) as Polled;
    this.recorder.failures = 0;
    if (shown === null) this.#connection = this.recorder.begin();
    const after = shownBy(shown, this.recorder);
    const waits = frames.map((frame) => {
      this.recorder.frame(this.#connection, frame, after);
      return this.waitAfter(this.#connection, frame);
    });
    // Where another answer was cut, the cursor of the last whole one counts.
    this.#cursor = cursor;
    return waits.find((waitMs) => waitMs !== null) ?? 0;
  }
}
