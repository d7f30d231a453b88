import { readStored, store } from './storage.js';
import type { Timings } from './timings.js';
import type { TransportName } from './types.js';

export interface Route {
  readonly node: string;
  readonly transport: TransportName;
}

/** What worked with a node, and until when that counts. */
interface Remembered {
  readonly name: TransportName;
  readonly untilMs: number;
}

interface NodeRecord {
  remembered: Remembered | null;
  /** Rounds in a row in which it could not be reached. */
  failures: number;
}

const STORAGE_KEY = 'halley:transport:';
/** Rounds after which another transport than the one that worked is tried. */
const PATIENT_ROUNDS = 2;

/**
 * Which node and which transport to try next. Attempts come in rounds: all nodes with their best transport,
 * then all with their second one, and so on; between two rounds the caller waits.
 */
export class Routes {
  readonly #transports: readonly TransportName[];
  readonly #timings: Timings;
  readonly #records = new Map<string, NodeRecord>();
  /** Drawn at the start: so a fleet of pages spreads over the nodes. */
  readonly home: string;
  #nodes: readonly string[];
  #round: Route[] = [];

  constructor(nodes: readonly string[], transports: readonly TransportName[], timings: Timings) {
    this.#transports = transports;
    this.#timings = timings;
    const start = Math.floor(Math.random() * nodes.length);
    this.#nodes = rotated(nodes, start);
    this.home = this.#nodes[0] as string;
  }

  /** Begins a round. @param avoid a node that was just lost: it comes last */
  begin(avoid: string | null): void {
    const lost = avoid === null ? -1 : this.#nodes.indexOf(avoid);
    this.#nodes = lost === -1 ? this.#nodes : rotated(this.#nodes, lost + 1);
    const orders = this.#nodes.map((node) => this.#orderOf(node));
    this.#round = this.#transports.flatMap((_, depth) =>
      this.#nodes.flatMap((node, index) => {
        const transport = orders[index]?.[depth];
        return transport === undefined ? [] : [{ node, transport }];
      }),
    );
  }

  /** Begins a round of the best route alone: the node of the start, by what works there. */
  beginHome(): void {
    this.#round = [{ node: this.home, transport: this.#bestOf(this.home) }];
  }

  isBest({ node, transport }: Route): boolean {
    return node === this.home && transport === this.#bestOf(node);
  }

  /** @returns null where the round is over */
  next(): Route | null {
    return this.#round.shift() ?? null;
  }

  /** @param isAnswer the node itself has answered: its other transports would hear the same */
  failed({ node }: Route, isAnswer: boolean): void {
    if (isAnswer) this.#round = this.#round.filter((route) => route.node !== node);
    if (!this.#round.some((route) => route.node === node)) this.#recordOf(node).failures += 1;
  }

  worked({ node, transport }: Route): void {
    const record = this.#recordOf(node);
    record.failures = 0;
    // What was found by trial counts for a time only: networks change, and a page should come back up.
    // What came after it in that time is worse: an edge that is just starting may refuse the best ones.
    if (isInTime(record.remembered)) return;
    record.remembered = { name: transport, untilMs: Date.now() + this.#timings.rememberMs };
    store('localStorage', STORAGE_KEY + node, record.remembered);
  }

  #bestOf(node: string): TransportName {
    return this.#orderOf(node)[0] as TransportName;
  }

  #orderOf(node: string): readonly TransportName[] {
    const { remembered, failures } = this.#recordOf(node);
    const best = remembered?.name as TransportName;
    if (!isInTime(remembered) || !this.#transports.includes(best)) return this.#transports;
    // A node that is away must not be looked for by transports that are worse.
    return failures < PATIENT_ROUNDS ? [best] : [...new Set([best, ...this.#transports])];
  }

  #recordOf(node: string): NodeRecord {
    const known = this.#records.get(node);
    if (known !== undefined) return known;
    const remembered = readStored('localStorage', STORAGE_KEY + node) as Remembered | null;
    const record = { remembered, failures: 0 };
    this.#records.set(node, record);
    return record;
  }
}

function isInTime(remembered: Remembered | null): boolean {
  return remembered !== null && remembered.untilMs > Date.now();
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
