/** Connects all, several edges at once, and watches what memory that takes. */

import { monotonicMs } from '../sdk/clock.js';
import { cpuOf, cpuSince } from './cpu.js';
import { availableBytes } from './machine.js';
import { type MemoryRow, memoryRow } from './memory-row.js';
import { count, mebibytes, type Phase, seconds } from './phase.js';
import { checkTracking } from './preflight.js';
import type { Run } from './run.js';

const CHUNK_CONNECTIONS = 1_000;
const CHUNK_DEADLINE_MS = 300_000;
const ROW_CONNECTIONS = 50_000;
/** Of a smaller run. */
const ROWS = 10;
const KINDS = ['edges', 'clients', 'servers', 'coordinator', 'machine'] as const;

export interface Ramp extends Phase {
  readonly memory: readonly MemoryRow[];
  readonly reached: number;
  readonly seconds: number;
  /** Why there are fewer than were asked for. */
  readonly stopped: string | null;
}

export async function ramp(run: Run): Promise<Ramp> {
  const filler = new Filler(run);
  const cpu = cpuOf(run);
  await filler.fill();
  const used = cpuSince(run, cpu);
  run.connected = filler.connected;
  const { memory, reached, stopped, seconds: took } = filler;
  const rows = [
    { what: 'connections', value: count(reached) },
    { what: 'time to connect them', value: seconds(took) },
    { what: 'connects a second', value: count(reached / took) },
    ...KINDS.map((kind) => ({
      what: `CPU per connect: ${kind}`,
      value: `${count((used[kind] * 1e6) / reached)} us`,
    })),
    { what: 'memory still available', value: mebibytes(availableBytes()) },
    ...(stopped === null ? [] : [{ what: 'stopped', value: stopped }]),
  ];
  return { name: 'ramp', rows, detail: { used }, memory, reached, seconds: took, stopped };
}

class Filler {
  readonly memory: MemoryRow[] = [];
  readonly connected: { edge: number; first: number; count: number }[] = [];
  reached = 0;
  stopped: string | null = null;
  seconds = 0;
  readonly #run: Run;
  readonly #rowEvery: number;
  #next = 0;
  #beganMs = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#rowEvery = Math.min(ROW_CONNECTIONS, Math.ceil(run.settings.connections / ROWS));
  }

  async fill(): Promise<void> {
    const { atOnce } = this.#run.settings;
    this.#beganMs = monotonicMs();
    this.#note();
    await Promise.all(Array.from({ length: atOnce }, () => this.#fillNext()));
    this.seconds = (monotonicMs() - this.#beganMs) / 1_000;
    if (this.memory.at(-1)?.connections !== this.reached) this.#note();
  }

  async #fillNext(): Promise<void> {
    while (this.#next < this.#run.fleet.edges.length && this.stopped === null) {
      const index = this.#next;
      this.#next += 1;
      await this.#fillEdge(index);
    }
  }

  /** The next chunk begins when the last connections of this one are on their way. */
  async #fillEdge(index: number): Promise<void> {
    const { opening } = this.#run.settings;
    const crowd = await this.#run.addCrowd(index);
    let here = 0;
    while (here < crowd.count && this.#mayGoOn()) {
      const upto = Math.min(here + CHUNK_CONNECTIONS, crowd.count);
      const enough = Math.max(here + 1, upto - opening);
      crowd.open(this.#run.edge(index).port, upto, opening);
      await this.#run.until(
        `${upto} connections to edge ${index}`,
        CHUNK_DEADLINE_MS,
        ({ ready, failed }) => ready + failed >= enough,
        () => this.#run.lookAt(crowd),
      );
      this.#took(upto - here);
      here = upto;
    }
    await this.#run.until(
      `all connections to edge ${index}`,
      CHUNK_DEADLINE_MS,
      ({ opening: left, ready, failed }) => left === 0 && ready + failed >= here,
      () => this.#run.lookAt(crowd),
    );
    this.connected.push({ edge: index, first: crowd.first, count: here });
  }

  #took(connections: number): void {
    const before = this.reached;
    this.reached += connections;
    const { connections: wanted } = this.#run.settings;
    if (before < CHUNK_CONNECTIONS) checkTracking(this.reached, wanted);
    if (Math.floor(this.reached / this.#rowEvery) > Math.floor(before / this.#rowEvery))
      this.#note();
  }

  #mayGoOn(): boolean {
    const available = availableBytes();
    if (available < this.#run.settings.minAvailableBytes) {
      this.stopped ??= `less than ${mebibytes(this.#run.settings.minAvailableBytes)} available: ${mebibytes(available)}`;
    }
    return this.stopped === null;
  }

  #note(): void {
    const took = (monotonicMs() - this.#beganMs) / 1_000;
    const row = memoryRow(this.#run, this.reached, took);
    this.memory.push(row);
    const rate = took > 0 ? this.reached / took : 0;
    this.#run.say(
      `ramp: ${count(this.reached)} connections, ${count(rate)}/s, edges ${mebibytes(row.edgesRssBytes)}, available ${mebibytes(row.availableBytes)}`,
    );
  }
}
