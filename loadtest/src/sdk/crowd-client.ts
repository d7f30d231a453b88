/** One SDK client of a crowd, and what it has seen. */

import { Halley, type State } from '@halley/client';
import { WebSocket } from 'ws';
import { monotonicMs } from './clock.js';
import { Sequence } from './sequence.js';

/** The second connection, which follows the loss of the first one. */
interface Return {
  readonly arrivedMs: number;
  readonly welcomeMs: number;
}

export class CrowdClient {
  readonly sequence = new Sequence();
  readonly attemptsMs: number[] = [];
  gaps = 0;
  returned: Return | null = null;
  readonly #halley: Halley;
  readonly #onError: (text: string) => void;
  #hasBeenConnected = false;

  constructor(url: string, onError: (text: string) => void) {
    this.#onError = onError;
    this.#halley = new Halley({ nodes: [url], WebSocket });
    this.#halley.on('state', (state) => this.#note(state));
    this.#halley.on('gap', () => {
      this.gaps += 1;
    });
    this.#halley.on('error', (error) => this.#onError(String(error)));
  }

  /** Resolves when the subscription stands. */
  async start(channel: string): Promise<void> {
    await this.#halley.subscribe(channel, ({ data }) => this.sequence.take(data)).ready;
  }

  get reconnects(): number {
    return this.#halley.state.reconnects;
  }

  /** Its name in the report: the transport, or the state where there is none. */
  get transport(): string {
    const { state } = this.#halley;
    return state.name === 'connected' ? state.transport : state.name;
  }

  #note({ name }: State): void {
    if (name === 'connecting' && this.#hasBeenConnected && this.returned === null) {
      this.attemptsMs.push(monotonicMs());
    }
    if (name !== 'connected') return;
    if (this.#hasBeenConnected && this.returned === null) {
      this.returned = { arrivedMs: this.attemptsMs.at(-1) ?? Number.NaN, welcomeMs: monotonicMs() };
    }
    this.#hasBeenConnected = true;
  }
}
