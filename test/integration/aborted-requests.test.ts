/** A client that goes away in the middle leaves nothing behind, however often it does. */

import { readFile } from 'node:fs/promises';
import { clientKeys } from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';
import type { EdgeProcess } from '../kit/fleet.js';
import { getText, RawHttp } from '../kit/raw-http.js';
import { counterOf } from '../kit/streams.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const AT_ONCE = 500;
/** First the engine's own heap grows to its working size. */
const WARM_UP = 10_000;
const ABORTED = 10_000;
/** Of a request that stayed, 2 KB and more would be left. */
const KEPT_MAX_BYTES = 500;
const TEST_DEADLINE_MS = 240_000;

describe('aborted requests', () => {
  const stack = useFleet({
    config: { namespaces: { open: OPEN } },
    edgeEnv: {
      HALLEY_POLL_PRESENCE_MS: '100',
      HALLEY_CHANNEL_LINGER_MS: '1000',
      // Garbage is collected before it looks like a leak.
      NODE_OPTIONS: '--max-old-space-size=40 --max-semi-space-size=2',
    },
  });

  test(
    `${ABORTED} polls and streams that are aborted leave no session, no channel and no memory`,
    async () => {
      const edge = stack.edge();
      const targets = targetsOf(channelIn('open'));
      await abortAll(edge, targets, WARM_UP);
      const before = await residentBytes(edge);
      await abortAll(edge, targets, ABORTED);
      const after = await residentBytes(edge);
      const perRequest = (after - before) / ABORTED;
      process.stdout.write(
        `aborted requests: RSS ${mib(before)} -> ${mib(after)} MiB over ${ABORTED}\n`,
      );
      expect(perRequest).toBeLessThan(KEPT_MAX_BYTES);
      const isEmpty = async () => (await counterOf(edge, 'halley_channels')) === 0;
      await eventually(isEmpty, 'the channels are let go of', 30_000);
      // Calls of one client go one after the other: hundreds of connects may still be on their way.
      const isAway = async () =>
        (await stack.redis.client.hget(clientKeys('ann').presence, 'ann')) === null;
      await eventually(isAway, 'the client is away', 30_000);
    },
    TEST_DEADLINE_MS,
  );
});

/** Every path that holds a request; one with a client's presence and queue. */
function targetsOf(channel: string): string[] {
  return [
    `/v1/sse?channel=${channel}`,
    `/v1/stream?channel=${channel}`,
    `/v1/poll?channel=${channel}&cursor=1~0-${Date.now()}&wait=60`,
    `/v1/sse?channel=${channel}&token=${tokenFor('ann', { subscribe: ['*'] })}`,
    `/icomet/stream?cname=${channel}&seq=1`,
    `/icomet/sse?cname=${channel}&seq=1`,
    `/icomet/poll?cname=${channel}&seq=1`,
  ];
}

async function abortAll(edge: EdgeProcess, targets: readonly string[], count: number) {
  for (let done = 0; done < count; done += AT_ONCE) {
    const opened = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const raw = await RawHttp.open(edge.port);
        raw.send(getText(targets[index % targets.length] ?? '/'));
        return raw;
      }),
    );
    await connections(edge, AT_ONCE);
    for (const [index, raw] of opened.entries()) {
      if (index % 2 === 0) raw.close();
      else raw.reset();
    }
    await connections(edge, 0);
  }
}

function connections(edge: EdgeProcess, count: number): Promise<boolean> {
  const isThere = async () => (await counterOf(edge, 'halley_connections')) === count;
  return eventually(isThere, `${count} connections`);
}

async function residentBytes(edge: EdgeProcess): Promise<number> {
  const status = await readFile(`/proc/${edge.process.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}
