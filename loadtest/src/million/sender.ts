/** Numbered messages by the api, to all and to single clients. */

import { clientName } from '../harness/native-crowd.js';
import { BEARER } from '../harness/secrets.js';

const TIMEOUT_MS = 120_000;
export const BATCH_MESSAGES = 100;

interface BatchResult {
  readonly id?: string;
  readonly code?: string;
  readonly message?: string;
}

export class Sender {
  readonly #url: string;
  readonly #sentTo = new Map<number, number>();
  #number = 0;
  #privates = 0;

  constructor(apiPort: number) {
    this.#url = `http://127.0.0.1:${apiPort}`;
  }

  /** The last one that went to all. */
  get number(): number {
    return this.#number;
  }

  /** How many went to single clients. */
  get privates(): number {
    return this.#privates;
  }

  /** The next number to each channel. @returns when it was posted, us of the monotonic clock */
  async toAll(channels: readonly string[]): Promise<number> {
    this.#number += 1;
    const data = { n: this.#number };
    const atUs = monotonicUs();
    await this.#batch(channels.map((channel) => ({ channel, data })));
    return atUs;
  }

  /** One to each of these clients, a batch after the other. @returns seconds */
  async toClients(numbers: readonly number[]): Promise<number> {
    const beganUs = monotonicUs();
    for (let at = 0; at < numbers.length; at += BATCH_MESSAGES) {
      const batch = numbers.slice(at, at + BATCH_MESSAGES);
      const sentNs = String(process.hrtime.bigint());
      const messages = batch.map((to) => {
        const p = (this.#sentTo.get(to) ?? 0) + 1;
        this.#sentTo.set(to, p);
        return { client: clientName(to), data: { to, p, sentNs } };
      });
      await this.#batch(messages);
      this.#privates += batch.length;
    }
    return (monotonicUs() - beganUs) / 1e6;
  }

  /** @throws Error if one of them was refused */
  async #batch(messages: readonly unknown[]): Promise<void> {
    const response = await fetch(`${this.#url}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${BEARER}`, 'content-type': 'application/json' },
      body: JSON.stringify({ messages }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`a batch was refused: ${response.status} ${text}`);
    const { results } = JSON.parse(text) as { readonly results: readonly BatchResult[] };
    const refused = results.find(({ id }) => id === undefined);
    if (refused !== undefined) throw new Error(`a message was refused: ${JSON.stringify(refused)}`);
  }
}

export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Different ones below `below`. */
export function randomNumbers(count: number, below: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, below)) chosen.add(Math.floor(Math.random() * below));
  return [...chosen];
}
