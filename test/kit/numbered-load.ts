/** Numbered messages to channels and clients all the time, and what became of each. */

import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { comparePositions, type Position, type ServerFrame } from '@halley/shared/protocol';
import { partitionOfChannel } from '@halley/shared/redis';
import type { EdgeProcess } from './fleet.js';
import { connect, type NativeClient } from './native-client.js';
import { type Exchange, RestClient } from './rest.js';
import { eventually, within } from './wait.js';

const ANSWER_DEADLINE_MS = 15_000;
const RETRY_MS = 50;
/** For what was accepted and is not delivered yet. */
const PATIENCE_MS = 10_000;

export interface LoadOptions {
  readonly apiUrl: string;
  readonly edges: readonly EdgeProcess[];
  /** Each edge has a connection that holds all of them. */
  readonly channels: readonly string[];
  /** Each has one connection; they take the edges by turns. */
  readonly clients?: readonly string[];
  /** Between two messages to one stream, ms. Default 20. */
  readonly intervalMs?: number;
}

/** One message that was accepted. */
interface Accepted {
  readonly id: Position;
  readonly atMs: number;
}

/** What one connection got of one stream, in the order in which it came. */
interface Record {
  readonly stream: string;
  readonly got: { readonly id: Position; readonly number: number; readonly atMs: number }[];
}

export interface LoadFigures {
  readonly accepted: number;
  /** Neither accepted nor refused: the answer was lost. */
  readonly unknown: number;
  readonly repeats: number;
  /** Deliveries that should have been, to each who listens. */
  readonly expected: number;
  readonly lost: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  /** Accepted, and gone from Redis, where that was looked at: not counted as lost. */
  readonly rolledBack: number;
  /** Frames that told of a gap. */
  readonly gaps: number;
  /** From accepted to delivered, the slowest. */
  readonly slowestMs: number;
  /** Between two messages accepted for one stream. */
  readonly longestOutageMs: number;
  /** Codes that publishes were refused with. */
  readonly refusals: Readonly<{ [code: string]: number }>;
}

export class NumberedLoad {
  readonly #options: LoadOptions;
  readonly #rest: RestClient;
  readonly #connections: NativeClient[] = [];
  readonly #records: Record[] = [];
  readonly #accepted = new Map<string, Map<number, Accepted>>();
  readonly #refusals = new Map<string, number>();
  readonly #stop = new AbortController();
  #publishers: Promise<void>[] = [];
  #closing: Promise<void> | null = null;
  #unknown = 0;
  #repeats = 0;
  #gaps = 0;
  #outageMs = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    setMaxListeners(0, this.#stop.signal);
    this.#rest = new RestClient(options.apiUrl);
  }

  /** Connects, and begins to publish. */
  async start(): Promise<void> {
    const { edges, channels, clients = [] } = this.#options;
    for (const edge of edges) {
      const connection = await connect(edge.wsUrl);
      for (const channel of channels) {
        await connection.subscribe(channel);
        this.#record(
          connection,
          channel,
          (frame) => frame.type === 'message' && frame.channel === channel,
        );
      }
    }
    for (const [index, client] of clients.entries()) {
      const edge = edges[index % edges.length];
      if (edge === undefined) throw new RangeError('no edge');
      const connection = await connect(edge.wsUrl, { client });
      this.#record(connection, `@${client}`, (frame) => frame.type === 'private');
    }
    for (const stream of [...channels, ...clients.map((client) => `@${client}`)]) {
      this.#accepted.set(stream, new Map());
      // A message with a key waits for as long as its slot moves; it must not hold up the others.
      for (const first of [1, 2]) {
        const publisher = this.#publishAll(stream, first);
        publisher.catch(() => undefined); // Told by `quiet`.
        this.#publishers.push(publisher);
      }
    }
  }

  /** Messages accepted so far. */
  get accepted(): number {
    return [...this.#accepted.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Messages accepted so far of one stream: a channel, or `@` and a client. */
  acceptedOf(stream: string): number {
    return this.#accepted.get(stream)?.size ?? 0;
  }

  /** Messages of one stream that every connection which listens has got. */
  deliveredOf(stream: string): number {
    const counts = this.#records
      .filter((one) => one.stream === stream)
      .map(({ got }) => got.length);
    return Math.min(...counts);
  }

  /** True if all that was accepted has been delivered. */
  get isWhole(): boolean {
    return this.#records.every(({ stream, got }) => {
      const seen = new Set(got.map(({ number }) => number));
      return [...(this.#accepted.get(stream)?.keys() ?? [])].every((number) => seen.has(number));
    });
  }

  /** Resolves when one more message of each stream was accepted. */
  async flowing(deadlineMs?: number): Promise<void> {
    const before = new Map([...this.#accepted].map(([stream, { size }]) => [stream, size]));
    const isFlowing = () =>
      [...this.#accepted].every(([stream, { size }]) => size > (before.get(stream) ?? 0));
    await eventually(isFlowing, 'publishes are accepted again', deadlineMs);
  }

  /**
   * Ends publishing, waits a while for what is missing, and counts.
   * @param storedIds what Redis still has of a stream; by default all that was accepted
   */
  async finish(
    storedIds?: (stream: string) => Promise<ReadonlySet<Position>>,
  ): Promise<LoadFigures> {
    await this.quiet();
    let rolledBack = 0;
    for (const [stream, accepted] of storedIds === undefined ? [] : this.#accepted) {
      const stored = await storedIds?.(stream);
      for (const [number, { id }] of accepted) {
        if (stored?.has(id) === false && accepted.delete(number)) rolledBack += 1;
      }
    }
    const endsAt = performance.now() + PATIENCE_MS;
    while (!this.isWhole && performance.now() < endsAt) await pause(10);
    const figures = { ...this.#count(), rolledBack };
    await this.close();
    return figures;
  }

  /** Ends publishing: every call has its answer then. */
  async quiet(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#publishers);
    this.#publishers = [];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#publishers);
    for (const connection of this.#connections.splice(0)) connection.socket.terminate();
    this.#closing ??= this.#rest.close();
    await this.#closing;
  }

  #record(connection: NativeClient, stream: string, isIts: (frame: ServerFrame) => boolean): void {
    const record: Record = { stream, got: [] };
    this.#records.push(record);
    if (!this.#connections.includes(connection)) {
      this.#connections.push(connection);
      connection.socket.on('message', () => {
        if (connection.frames.at(-1)?.type === 'gap') this.#gaps += 1;
      });
    }
    connection.socket.on('message', () => {
      const frame = connection.frames.at(-1);
      if (frame === undefined || !isIts(frame)) return;
      const { id, data } = frame as unknown as { id: Position; data: number };
      record.got.push({ id, number: data, atMs: performance.now() });
    });
  }

  /** @param first 1: messages without a key, 2: those with one */
  async #publishAll(stream: string, first: number): Promise<void> {
    const { signal } = this.#stop;
    let lastMs = performance.now();
    for (let number = first; !signal.aborted; number += 2) {
      const id = await this.#publish(stream, number);
      const nowMs = performance.now();
      if (id !== null) {
        this.#accepted.get(stream)?.set(number, { id, atMs: nowMs });
        this.#outageMs = Math.max(this.#outageMs, nowMs - lastMs);
        lastMs = nowMs;
      }
      await pause(this.#options.intervalMs ?? 20, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What has a key is repeated whatever became of it, the rest only if it was refused. */
  async #publish(stream: string, number: number): Promise<Position | null> {
    const hasKey = number % 2 === 0;
    for (;;) {
      const { status, body, headers } = await this.#send(stream, number, hasKey);
      const { id, code = String(status) } = body as { id?: Position; code?: string };
      if (status === 201 || status === 200) return id ?? null;
      this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
      const mayRepeat = code === 'unavailable' || (hasKey && code === 'outcome-unknown');
      if (status === 503 && headers['retry-after'] === undefined) throw new Error('no Retry-After');
      if (!mayRepeat) this.#unknown += 1;
      if (!mayRepeat || this.#stop.signal.aborted) return null;
      this.#repeats += 1;
      await pause(RETRY_MS);
    }
  }

  #send(stream: string, number: number, hasKey: boolean): Promise<Exchange> {
    const fields = hasKey ? { key: `${stream} ${number}` } : {};
    const sent = stream.startsWith('@')
      ? this.#rest.publishPrivate(stream.slice(1), number, fields)
      : this.#rest.publish(stream, number, fields);
    return within(sent, 'a publish is answered', ANSWER_DEADLINE_MS);
  }

  #count(): Omit<LoadFigures, 'rolledBack'> {
    let expected = 0;
    let lost = 0;
    let doubled = 0;
    let outOfOrder = 0;
    let slowestMs = 0;
    for (const { stream, got } of this.#records) {
      const accepted = this.#accepted.get(stream) ?? new Map<number, Accepted>();
      const seen = new Map(got.map((one) => [one.number, one]));
      expected += accepted.size;
      doubled += got.length - seen.size;
      outOfOrder += got.filter(
        ({ id }, index) => index > 0 && comparePositions(id, got[index - 1]?.id ?? id) < 0,
      ).length;
      for (const [number, { id, atMs }] of accepted) {
        const one = seen.get(number);
        if (one?.id !== id) lost += 1;
        else slowestMs = Math.max(slowestMs, one.atMs - atMs);
      }
    }
    return {
      accepted: this.accepted,
      unknown: this.#unknown,
      repeats: this.#repeats,
      expected,
      lost,
      doubled,
      outOfOrder,
      gaps: this.#gaps,
      slowestMs: Math.round(slowestMs),
      longestOutageMs: Math.round(this.#outageMs),
      refusals: Object.fromEntries(this.#refusals),
    };
  }
}

/** A name whose keys lie in this partition. @param kind what it begins with */
export function nameIn(partition: number, kind: string): string {
  for (let index = 0; ; index += 1) {
    const name = `${kind}${index}`;
    if (partitionOfChannel(name) === partition) return name;
  }
}

export function describeLoad(title: string, figures: LoadFigures): string {
  const { refusals, ...counts } = figures;
  const texts = Object.entries({ ...counts, ...refusals }).map(
    ([name, count]) => `${name} ${count}`,
  );
  return `${title}: ${texts.join(', ')}\n`;
}
