/** A run: a world, a crew, numbered messages, faults one after another; and what the judge says. */

import { writeFileSync } from 'node:fs';
import { Random } from '../kit/random.js';
import { DeadlineError, eventually } from '../kit/wait.js';
import { Books } from './books.js';
import { BUSY, Crew, NAMED, QUIET, ROOM } from './crew.js';
import { running } from './faults/fleet.js';
import type { Front } from './front.js';
import { History, queueOf, type Stream } from './history.js';
import { judge, type Verdict } from './judge.js';
import { watchPresence } from './presence-watch.js';
import { Publisher } from './publishers.js';
import { NativeSubscriber } from './subscribers/native.js';
import type { Patience, Subscriber } from './subscribers/recorder.js';
import type { Fault, World } from './world.js';

/** For all to be back after a fault: the longest back-off, and the rest of it. */
const RECOVERY_DEADLINE_MS = 60_000;
const FINISH_DEADLINE_MS = 20_000;

export interface RunOptions {
  readonly world: World;
  readonly front: Front;
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly patience: Patience;
  /** Between two messages of each of the publishers. */
  readonly intervalMs: number;
}

export class Run {
  readonly history = new History();
  readonly crew: Crew;
  readonly #options: RunOptions;
  readonly #books: Books;
  readonly #publishers: readonly Publisher[];
  readonly #random: Random;
  /** Names of clients that have left. */
  readonly #gone: string[] = [];

  constructor(options: RunOptions) {
    const { world, front, patience, intervalMs, seed } = options;
    const { history } = this;
    this.#options = options;
    this.#random = new Random(seed);
    this.#books = new Books(world, history);
    this.crew = new Crew(history, front.url, patience);
    const apis = () => running(world.fleet.apis).map(({ url }) => url);
    const publisher = (name: string, streams: readonly Stream[]) =>
      new Publisher({ history, name, apis, streams, intervalMs });
    this.#publishers = [
      ...BUSY.map((channel) => publisher(channel, [channel])),
      publisher('private', NAMED.map(queueOf)),
      publisher('room', [ROOM]),
    ];
  }

  /**
   * @param extras further subscribers, which write to this run's history
   * @returns what the judge says, once everybody has gone
   */
  async play(extras: readonly Subscriber[] = []): Promise<Verdict> {
    try {
      await this.#areBack('the start');
      for (const fault of this.#options.faults) await this.#suffer(fault);
      await this.#finish(extras);
    } finally {
      await Promise.all(this.#publishers.map((publisher) => publisher.stop()));
      await Promise.all([...this.crew.all, ...extras].map((subscriber) => subscriber.stop()));
    }
    return this.verdict();
  }

  verdict(): Verdict {
    const file = process.env['FAULT_HISTORY'];
    // To look at by hand: what the judge says is not all that there is to see.
    if (file)
      writeFileSync(file, this.history.entries.map((one) => JSON.stringify(one)).join('\n'));
    return judge({
      entries: this.history.entries,
      losses: this.#books,
      steady: new Set(this.crew.steady.map(({ name }) => name)),
    });
  }

  async #suffer({ name, isOutsideRedis = false, inject }: Fault): Promise<void> {
    const mark = { kind: 'fault', name, isOutsideRedis } as const;
    const leaver = await this.#come();
    this.history.add({ ...mark, phase: 'begin' });
    const injected = inject(this.#options.world, this.#random);
    await leaver.stop();
    this.history.add({ kind: 'left', subscriber: leaver.name, connection: 0 });
    await injected;
    this.history.add({ ...mark, phase: 'end' });
    await this.#areBack(name);
    await this.#books.look();
  }

  /** A client that leaves while a fault lasts: it must not stay present. */
  async #come(): Promise<Subscriber> {
    const { front, patience } = this.#options;
    const name = `leaver${this.#gone.length + 1}`;
    const common = { history: this.history, url: front.url, patience };
    const leaver = new NativeSubscriber({ ...common, name, channels: [ROOM], clientId: name });
    this.#gone.push(name);
    await eventually(() => leaver.edgeId !== null, `${name} is there`, RECOVERY_DEADLINE_MS);
    return leaver;
  }

  /** Each steady subscriber has got something that was sent from now on. */
  async #areBack(after: string): Promise<void> {
    const nowMs = performance.now();
    const waiting = new Set(this.crew.steady.map(({ name }) => name));
    const fresh = new Set<string>();
    let at = this.history.entries.length;
    const look = () => {
      const entries = this.history.entries.slice(at);
      for (const entry of entries) {
        if (entry.kind === 'published' && entry.sentAt > nowMs) fresh.add(entry.number);
      }
      for (const entry of entries) {
        if (entry.kind === 'received' && fresh.has(entry.number)) waiting.delete(entry.subscriber);
      }
      at += entries.length;
      return waiting.size === 0;
    };
    await eventually(look, `messages after ${after}`, RECOVERY_DEADLINE_MS).catch(() => {
      throw new DeadlineError(`no messages after ${after}: ${[...waiting].join(', ')}`);
    });
  }

  /** One last message everywhere; what it finds missing, the judge will name. */
  async #finish(extras: readonly Subscriber[]): Promise<void> {
    const { world } = this.#options;
    await watchPresence({
      history: this.history,
      api: () => this.#random.pick(running(world.fleet.apis)).url,
      subscribers: this.crew.watched,
      room: ROOM,
      gone: this.#gone,
    });
    const [publisher] = this.#publishers;
    if (publisher === undefined) return;
    const streams = [...BUSY, ...QUIET, ROOM, ...NAMED.map(queueOf)];
    await Promise.all(this.#publishers.map((one) => one.stop()));
    const closing = new Publisher({
      history: this.history,
      name: 'closing',
      apis: () => running(world.fleet.apis).map(({ url }) => url),
      streams: [],
      intervalMs: 0,
    });
    await Promise.all(streams.map((stream) => closing.publish(stream)));
    await closing.stop();
    await this.#allHave('closing-', [...this.crew.all, ...extras]).catch(() => undefined);
    await this.#books.look();
  }

  async #allHave(prefix: string, all: readonly Subscriber[]): Promise<void> {
    const wanted = all.flatMap((one) =>
      this.crew.streamsOf(one).map((stream) => `${one.name} ${stream}`),
    );
    await eventually(
      () => {
        const got = new Set(
          this.history.entries.flatMap((entry) =>
            entry.kind === 'received' && entry.number.startsWith(prefix)
              ? [`${entry.subscriber} ${entry.stream}`]
              : [],
          ),
        );
        return wanted.every((one) => got.has(one));
      },
      'the last messages',
      FINISH_DEADLINE_MS,
    );
  }
}

export function describeVerdict(title: string, verdict: Verdict): string {
  const { delays, findings, toldOf, ...counts } = verdict;
  const table = delays.map(({ fault, lengthMs, longestDeliveryMs, longestSilenceMs }) => {
    return `  ${fault}: ${lengthMs} ms, longest delivery ${longestDeliveryMs} ms, longest silence ${longestSilenceMs} ms\n`;
  });
  const list = findings.map((finding) => `  ${finding}\n`);
  const told = counts.told === 0 ? '' : `  told: ${JSON.stringify(toldOf)}\n`;
  return `${title}: ${JSON.stringify(counts)}\n${table.join('')}${told}${list.join('')}`;
}
