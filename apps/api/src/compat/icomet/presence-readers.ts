import { setTimeout as pause } from 'node:timers/promises';
import { icometName } from '@halley/shared/protocol';
import type { PlainStream } from '../../http/plain.js';
import { PSUB_MAX_READERS, PSUB_PACE_MAX_MS } from './limits.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Those who read /psub. */
export class PresenceReaders {
  readonly #streams = new Set<PlainStream>();

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  get isFull(): boolean {
    return this.#streams.size >= PSUB_MAX_READERS;
  }

  add(stream: PlainStream): void {
    this.#streams.add(stream);
  }

  delete(stream: PlainStream): void {
    this.#streams.delete(stream);
  }

  say(channel: string, isOccupied: boolean): void {
    const line = `${isOccupied ? 1 : 0} ${nameIn(channel)}\n`;
    // One that is behind may be cut, and leave the set, while it is told.
    for (const stream of [...this.#streams]) stream.write(line);
  }

  /** Resolves when all have taken what was said, or the slowest has had its time. */
  async caughtUp(): Promise<void> {
    const enough = new AbortController();
    const all = Promise.all([...this.#streams].map((stream) => stream.drained()));
    const deadline = pause(PSUB_PACE_MAX_MS, undefined, { signal: enough.signal }).catch(
      () => undefined,
    );
    await Promise.race([all, deadline]);
    enough.abort();
  }

  endAll(): void {
    for (const stream of [...this.#streams]) stream.end();
  }
}

/** A name that could end its line, or hide in it, stays as the channel is spelled. */
function nameIn(channel: string): string {
  const name = icometName(channel);
  return CONTROL.test(name) ? channel : name;
}
