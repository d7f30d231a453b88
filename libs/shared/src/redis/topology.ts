/** Who serves which slot of a Redis Cluster, and which slots are moving, by what the nodes say themselves. */

import { PARTITION_COUNT, slotOfPartition } from './keys.js';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** What a link does for a slot: its node owns it, or is about to take it over. */
export type SlotRole = 'owner' | 'importer';

export interface Topology {
  /** Addresses of the nodes that own or import one of our slots, by node id. */
  readonly nodes: ReadonlyMap<string, NodeAddress>;
  readonly owners: ReadonlyMap<number, string>;
  /** Nodes that take a slot over: until that is done, a part of its keys answers there. */
  readonly importers: ReadonlyMap<number, string>;
}

/** A node in the words of one view. */
export interface NodeLine extends NodeAddress {
  readonly id: string;
  readonly isSelf: boolean;
  readonly epoch: number;
  /** First and last slot. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Only told of itself: slot and the id of the node that takes it. */
  readonly leaving: ReadonlyMap<number, string>;
  /** Only told of itself: slots that it takes over. */
  readonly arriving: readonly number[];
}

export const NO_TOPOLOGY: Topology = { nodes: new Map(), owners: new Map(), importers: new Map() };

/** The slots that hold keys of ours; no other one matters. */
export const OUR_SLOTS: readonly number[] = [
  ...new Set(Array.from({ length: PARTITION_COUNT }, (_, index) => slotOfPartition(index))),
];

const RANGE = /^(\d+)(?:-(\d+))?$/;
const MOVING = /^\[(\d+)-([<>])-([0-9a-f]+)\]$/;

/**
 * @param text reply of CLUSTER NODES
 * @param asked address by which it was reached: a node may not know its own
 * @param prefersNames a host name, where one is announced, counts more than the number: for TLS
 */
export function parseNodes(text: string, asked: NodeAddress, prefersNames = false): NodeLine[] {
  return text
    .split('\n')
    .filter((line) => line.length > 0)
    .map((line) => parseLine(line, asked, prefersNames));
}

function parseLine(line: string, asked: NodeAddress, prefersNames: boolean): NodeLine {
  const [id = '', address = '', flags = '', , , , epoch = '0', , ...slots] = line.split(' ');
  const [endpoint = '', name = ''] = address.split(',');
  const [at = ''] = endpoint.split('@');
  const colon = at.lastIndexOf(':');
  const isSelf = flags.split(',').includes('myself');
  const host = prefersNames && name !== '' ? name : at.slice(0, colon);
  const moving = slots.flatMap((slot) => [MOVING.exec(slot) ?? []]);
  return {
    id,
    isSelf,
    host: host === '' && isSelf ? asked.host : host,
    port: Number(at.slice(colon + 1)),
    epoch: Number(epoch),
    ranges: slots.flatMap((slot) => {
      const [, first, last = first] = RANGE.exec(slot) ?? [];
      return first === undefined ? [] : [[Number(first), Number(last)] as const];
    }),
    leaving: new Map(
      moving.flatMap(([, slot, way, to]) =>
        way === '>' && to !== undefined ? [[Number(slot), to] as const] : [],
      ),
    ),
    arriving: moving.flatMap(([, slot, way]) => (way === '<' ? [Number(slot)] : [])),
  };
}

/**
 * One picture out of the views of several nodes. A node that answers speaks for itself: what others
 * still believe of it does not count. Of several that claim a slot, the latest election wins; so the
 * word of a master that was cut off and replaced is not taken.
 */
export function mergeViews(views: readonly (readonly NodeLine[])[]): Topology {
  const lines = views.flat();
  const selves = new Set(lines.filter((line) => line.isSelf).map(({ id }) => id));
  const believed = lines.filter((line) => line.isSelf || !selves.has(line.id));
  const claims = new Map<number, NodeLine>();
  const importers = new Map<number, string>();
  for (const line of believed) {
    for (const slot of slotsOf(line)) {
      const rival = claims.get(slot);
      if (rival === undefined || line.epoch > rival.epoch) claims.set(slot, line);
    }
  }
  for (const line of believed) {
    for (const slot of line.arriving) importers.set(slot, line.id);
    for (const [slot, to] of line.leaving) if (claims.get(slot) === line) importers.set(slot, to);
  }
  const owners = new Map([...claims].map(([slot, { id }]) => [slot, id]));
  for (const [slot, id] of importers) {
    if (!OURS.has(slot) || owners.get(slot) === id) importers.delete(slot);
  }
  return { owners, importers, nodes: addressesOf(lines, owners, importers) };
}

const OURS: ReadonlySet<number> = new Set(OUR_SLOTS);

function slotsOf({ ranges }: NodeLine): number[] {
  return ranges.flatMap(([first, last]) =>
    OUR_SLOTS.filter((slot) => slot >= first && slot <= last),
  );
}

function addressesOf(
  lines: readonly NodeLine[],
  ...users: readonly ReadonlyMap<number, string>[]
): Map<string, NodeAddress> {
  const used = new Set(users.flatMap((slots) => [...slots.values()]));
  const nodes = new Map<string, NodeAddress>();
  for (const { id, host, port } of lines) {
    if (used.has(id) && host !== '' && port > 0) nodes.set(id, { host, port });
  }
  return nodes;
}
