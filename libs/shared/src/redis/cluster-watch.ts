/** Looks at the cluster every 2 s, and whenever something shows that it has changed. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from 'ioredis';
import type { RedisAddress } from './address.js';
import type { CommandClient } from './client.js';
import type { Link } from './link.js';
import { mergeViews, NO_TOPOLOGY, type NodeLine, parseNodes, type Topology } from './topology.js';

/** A slot that begins to move is not announced by anything: only asking shows it. */
const LOOK_INTERVAL_MS = 2_000;
/** Signs come in crowds, one per channel of a slot. */
const LOOK_PAUSE_MS = 50;
/** A node that is slower is described by the others. */
const VIEW_DEADLINE_MS = 500;
const START_RETRY_MS = 250;

export class ClusterWatch {
  readonly #address: RedisAddress;
  readonly #commands: CommandClient;
  readonly #links: ReadonlyMap<string, Link>;
  readonly #onLooked: (topology: Topology, moved: ReadonlySet<Link>) => void;
  #topology = NO_TOPOLOGY;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  /** The look after the one under way. */
  #next: Promise<void> | null = null;
  #isStopped = false;

  constructor(
    address: RedisAddress,
    commands: CommandClient,
    links: ReadonlyMap<string, Link>,
    onLooked: (topology: Topology, moved: ReadonlySet<Link>) => void,
  ) {
    this.#address = address;
    this.#commands = commands;
    this.#links = links;
    this.#onLooked = onLooked;
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** Resolves when it is known who has the slots. */
  async start(): Promise<void> {
    await this.#lookNow();
    while (this.#topology.owners.size === 0 && !this.#isStopped) {
      await pause(START_RETRY_MS);
      await this.#lookNow();
    }
    if (this.#isStopped) return;
    this.#timer = setInterval(() => void this.look(), LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Resolves when the cluster was looked at, by a look that began after this call. Never rejects. */
  look(): Promise<void> {
    if (this.#looking === null) return this.#lookNow();
    this.#next ??= this.#looking.then(async () => {
      await pause(LOOK_PAUSE_MS);
      this.#next = null;
      await this.#lookNow();
    });
    return this.#next;
  }

  #lookNow(): Promise<void> {
    this.#looking ??= this.#ask()
      .catch(() => undefined)
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  async #ask(): Promise<void> {
    const standing = [...this.#links.values()].filter((link) => link.isReady);
    const moved = new Set(standing.filter((link) => link.takeMoves()));
    const views = await Promise.all(standing.map((link) => this.#viewOf(link)));
    const answers = views.filter((view) => view !== null);
    if (answers.length === 0) answers.push(await this.#viewOfAny());
    if (this.#isStopped) return;
    const topology = mergeViews(answers);
    // A cluster without masters is one that nobody can describe now.
    if (topology.owners.size === 0) return;
    if (!isSame(topology.owners, this.#topology.owners)) this.#tellCommands();
    this.#topology = topology;
    this.#onLooked(topology, moved);
  }

  /** ioredis would find out by calls that fail. */
  #tellCommands(): void {
    if (this.#commands.isCluster) (this.#commands as Cluster).refreshSlotsCache();
  }

  async #viewOf(link: Link): Promise<NodeLine[] | null> {
    const { node } = link;
    if (node === null) return null;
    const late = pause(VIEW_DEADLINE_MS, null, { ref: false });
    const text = await Promise.race([link.nodes().catch(() => null), late]);
    return text === null ? null : parseNodes(text, node, this.#address.tls);
  }

  async #viewOfAny(): Promise<NodeLine[]> {
    const [first = { host: '', port: 0 }] = this.#address.nodes;
    const text = String(await this.#commands.call('CLUSTER', 'NODES'));
    return parseNodes(text, first, this.#address.tls);
  }
}

function isSame(one: ReadonlyMap<number, string>, other: ReadonlyMap<number, string>): boolean {
  return one.size === other.size && [...one].every(([slot, id]) => other.get(slot) === id);
}
