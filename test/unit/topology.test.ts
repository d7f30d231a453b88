/** What several nodes of a Redis Cluster say of it, put together. */

import { mergeViews, OUR_SLOTS, parseNodes } from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';

const ID = { a: 'a'.repeat(40), b: 'b'.repeat(40), c: 'c'.repeat(40) };
const ASKED = { host: '10.0.0.9', port: 1 };
const [SLOT = 0] = OUR_SLOTS;

interface Line {
  readonly id: string;
  readonly flags?: string;
  readonly at?: string;
  readonly epoch?: number;
  readonly slots?: string;
}

function line({ id, flags = 'master', at, epoch = 1, slots = '' }: Line): string {
  const address = at ?? `10.0.0.${id.charCodeAt(0)}:7000@17000`;
  return `${id} ${address} ${flags} - 0 0 ${epoch} connected ${slots}`.trimEnd();
}

function view(...lines: readonly Line[]) {
  return parseNodes(lines.map(line).join('\n'), ASKED);
}

const SELF = 'myself,master';

describe('CLUSTER NODES', () => {
  test('a line is taken apart: address, election, slots, and slots that move', () => {
    const slots = `0-5460 9000 [77->-${ID.b}] [78-<-${ID.c}]`;
    const [own] = view({ id: ID.a, flags: SELF, at: '10.0.0.1:7000@17000,name', epoch: 7, slots });
    expect(own).toEqual({
      id: ID.a,
      isSelf: true,
      host: '10.0.0.1',
      port: 7000,
      epoch: 7,
      ranges: [
        [0, 5460],
        [9000, 9000],
      ],
      leaving: new Map([[77, ID.b]]),
      arriving: [78],
    });
  });

  test('a node that does not know its own address is found where it was asked', () => {
    expect(view({ id: ID.a, flags: SELF, at: ':7000@17000' })[0]).toMatchObject({
      host: '10.0.0.9',
      port: 7000,
    });
  });

  test('names count more than numbers where TLS has to check them, and IPv6 is kept whole', () => {
    const text = line({ id: ID.a, flags: SELF, at: 'fe80::1:7000@17000,node.example' });
    expect(parseNodes(text, ASKED)[0]).toMatchObject({ host: 'fe80::1', port: 7000 });
    expect(parseNodes(text, ASKED, true)[0]).toMatchObject({ host: 'node.example' });
  });
});

describe('several views', () => {
  const all = '0-16383';

  test('of two that claim a slot the later election wins: one was cut off and replaced', () => {
    const { owners } = mergeViews([
      view({ id: ID.a, flags: SELF, epoch: 1, slots: all }),
      view({ id: ID.b, flags: SELF, epoch: 2, slots: all }),
    ]);
    expect(new Set(owners.values())).toEqual(new Set([ID.b]));
    expect(owners.size).toBe(256);
  });

  test('a node speaks for itself: what others still believe of it does not count', () => {
    const { owners } = mergeViews([
      view({ id: ID.a, flags: SELF, epoch: 9 }, { id: ID.b, epoch: 2, slots: all }),
      view({ id: ID.c, flags: SELF, epoch: 3 }, { id: ID.a, epoch: 9, slots: all }),
    ]);
    expect(new Set(owners.values())).toEqual(new Set([ID.b]));
  });

  test('a node that does not answer is known by the others', () => {
    const { nodes, owners } = mergeViews([
      view({ id: ID.a, flags: SELF }, { id: ID.b, epoch: 2, slots: all }),
    ]);
    expect(owners.get(SLOT)).toBe(ID.b);
    expect(nodes).toEqual(new Map([[ID.b, { host: '10.0.0.98', port: 7000 }]]));
  });

  test('a slot that moves is heard at both: by either side it is known', () => {
    const from = { id: ID.a, flags: SELF, slots: `${all} [${SLOT}->-${ID.b}]` };
    const to = { id: ID.b, flags: SELF, slots: `[${SLOT}-<-${ID.a}]` };
    for (const views of [[view(from, { id: ID.b })], [view(to, { id: ID.a, slots: all })]]) {
      const { owners, importers, nodes } = mergeViews(views);
      expect(owners.get(SLOT)).toBe(ID.a);
      expect(importers).toEqual(new Map([[SLOT, ID.b]]));
      expect([...nodes.keys()].sort()).toEqual([ID.a, ID.b]);
    }
  });

  test('a slot that has arrived, and one that is not ours, do not count as moving', () => {
    const foreign = OUR_SLOTS.includes(1) ? 2 : 1;
    const { importers } = mergeViews([
      view(
        { id: ID.b, flags: SELF, epoch: 2, slots: `${SLOT} [${foreign}-<-${ID.a}]` },
        { id: ID.a },
      ),
      view({ id: ID.a, flags: SELF, epoch: 1, slots: `${all} [${SLOT}->-${ID.b}]` }),
    ]);
    expect(importers).toEqual(new Map());
  });
});
