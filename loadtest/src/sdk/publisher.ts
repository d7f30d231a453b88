/** Publishes the numbers 1, 2, 3, ... into each of some channels, by the api. */

import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from './clock.js';

export interface PublisherOptions {
  readonly port: number;
  readonly bearer: string;
  readonly channels: readonly string[];
  /** Between two messages, whichever their channels are. */
  readonly intervalMs: number;
}

export class NumberPublisher {
  readonly #options: PublisherOptions;
  readonly #running: Promise<number>;
  #isStopped = false;

  /** Begins at once. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#running = this.#run();
    // Thrown by `stop`.
    this.#running.catch(() => undefined);
  }

  /**
   * @returns the last number, which every channel has
   * @throws Error if a message was refused
   */
  stop(): Promise<number> {
    this.#isStopped = true;
    return this.#running;
  }

  /** One POST at a time: the order of two at once would be nobody's. */
  async #run(): Promise<number> {
    const { channels, intervalMs } = this.#options;
    let dueMs = monotonicMs();
    for (let number = 1; ; number += 1) {
      for (const channel of channels) {
        await this.#publish(channel, number);
        dueMs = Math.max(dueMs + intervalMs, monotonicMs());
        await pause(dueMs - monotonicMs());
      }
      if (this.#isStopped) return number;
    }
  }

  async #publish(channel: string, number: number): Promise<void> {
    const { port, bearer } = this.#options;
    const answer = await fetch(`http://127.0.0.1:${port}/channels/${channel}/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ data: number }),
    });
    // Read to its end, or the connection is not used again.
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the api refused number ${number} of ${channel}: ${text}`);
  }
}
