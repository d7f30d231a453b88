/** An edge dies under an SDK client that knows another one: how long until messages come again. */

import { setTimeout as pause } from 'node:timers/promises';
import { Halley, type HalleyError } from '@halley/client';
import { WebSocket } from 'ws';
import { startApi } from '../harness/ours.js';
import { RestartableEdge } from '../harness/restartable-edge.js';
import { BEARER } from '../harness/secrets.js';
import { Stoppables } from '../harness/stack.js';
import { monotonicMs } from '../sdk/clock.js';
import { NumberPublisher } from '../sdk/publisher.js';
import { refuseFaults, Sequence, type Tally } from '../sdk/sequence.js';
import { until } from '../sdk/wait.js';
import type { BenchSettings } from '../settings.js';
import { median } from '../stats.js';
import { type Figure, type FigureResult, milliseconds } from './figure.js';

const CHANNEL = 'sdk:failover';
const INTERVAL_MS = 5;
/** The SDK's own is 5 s, which 20 kills would have to wait for 20 times; it changes nothing else. */
const PROVED_MS = 1_500;
/** Kills at any moment of whatever goes on in a rhythm. */
const SPREAD_MS = 500;
const RETURN_DEADLINE_MS = 20_000;

export const failover: Figure = { name: 'failover', measure };

async function measure({ kills }: BenchSettings): Promise<FigureResult> {
  const all = new Stoppables();
  try {
    const { api, env } = await startApi(all);
    const edges = [
      await all.add(RestartableEdge.start(env)),
      await all.add(RestartableEdge.start(env)),
    ];
    const client = new Client(edges.map(({ url }) => url));
    await all.add(client.start());
    const options = { port: api.port, bearer: BEARER, channels: [CHANNEL] };
    const publisher = new NumberPublisher({ ...options, intervalMs: INTERVAL_MS });
    const returnsMs: number[] = [];
    let last: number;
    try {
      while (returnsMs.length < kills) returnsMs.push(await killUnder(client, edges));
    } finally {
      last = await publisher.stop();
    }
    await until('the last number', RETURN_DEADLINE_MS, () => client.sequence.through >= last);
    return resultOf(returnsMs, client.tally(last));
  } finally {
    await all.stop();
  }
}

/** @returns ms from the kill to the first message over another edge */
async function killUnder(client: Client, edges: readonly RestartableEdge[]): Promise<number> {
  await pause(PROVED_MS + Math.random() * SPREAD_MS);
  const held = edges.find(({ url }) => url === client.node);
  if (held === undefined) throw new Error('failover: the client is not connected');
  const returned = client.messageOverOther(held.url);
  const killedMs = held.kill();
  const returnMs = (await returned) - killedMs;
  await held.restart();
  return returnMs;
}

class Client {
  readonly sequence = new Sequence();
  readonly #halley: Halley;
  readonly #errors: HalleyError[] = [];
  #gaps = 0;
  #onMessage: () => void = () => undefined;

  constructor(nodes: readonly string[]) {
    this.#halley = new Halley({ nodes, WebSocket, timings: { provedMs: PROVED_MS } });
    this.#halley.on('gap', () => {
      this.#gaps += 1;
    });
    this.#halley.on('error', (error) => this.#errors.push(error));
  }

  async start(): Promise<this> {
    await this.#halley.subscribe(CHANNEL, ({ data }) => {
      this.sequence.take(data);
      this.#onMessage();
    }).ready;
    return this;
  }

  /** Null while it is not connected. */
  get node(): string | null {
    const { state } = this.#halley;
    return state.name === 'connected' ? state.node : null;
  }

  /** @returns when the next message comes over another node, by the machine's monotonic clock */
  messageOverOther(node: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`failover: no message for ${RETURN_DEADLINE_MS} ms after a kill`));
      }, RETURN_DEADLINE_MS);
      this.#onMessage = () => {
        if (this.node === null || this.node === node) return;
        clearTimeout(late);
        this.#onMessage = () => undefined;
        resolve(monotonicMs());
      };
    });
  }

  /** @throws Error if the SDK told of an error */
  tally(last: number): Tally {
    const { received, repeated, reordered, holes, through } = this.sequence;
    if (this.#errors.length > 0) throw new AggregateError(this.#errors, 'failover: errors');
    return { received, lost: holes + last - through, repeated, reordered, gaps: this.#gaps };
  }

  async stop(): Promise<void> {
    this.#halley.close();
  }
}

function resultOf(returnsMs: readonly number[], tally: Tally): FigureResult {
  refuseFaults('failover', tally);
  const { received, lost, repeated, reordered } = tally;
  const rows = [
    { what: 'kills', value: String(returnsMs.length) },
    { what: 'kill to first message, min', value: milliseconds(Math.min(...returnsMs)) },
    { what: 'kill to first message, median', value: milliseconds(median(returnsMs)) },
    { what: 'kill to first message, max', value: milliseconds(Math.max(...returnsMs)) },
    { what: 'messages received', value: received.toLocaleString('en-US') },
    { what: 'lost, repeated, reordered', value: `${lost}, ${repeated}, ${reordered}` },
  ];
  return { rows, detail: { returnsMs, ...tally } };
}
