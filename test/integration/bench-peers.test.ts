/** The bench's peers, a moment of each: nothing of theirs is lost, and it has the bytes of ours. */

import { SCENARIOS } from '@halley/loadtest/scenarios';
import { loadBenchSettings } from '@halley/loadtest/settings';
import { SharedStage } from '@halley/loadtest/stage';
import { afterAll, describe, expect, it } from 'vitest';

/** Five times what it takes alone. */
const DEADLINE_MS = 60_000;
const PEERS = ['nchan', 'nchan-redis', 'socket.io'] as const;
/** Socket.IO writes `42["message",` before a message and `]` after it. */
const FRAMING_BYTES = { nchan: 0, 'nchan-redis': 0, 'socket.io': 14 };
/** Well below what an idle socket takes in any server. */
const SOCKET_BYTES_MIN = 100;

const SETTINGS = {
  ...loadBenchSettings({ BENCH_SUBSCRIBERS: '100', BENCH_CONNECTIONS: '300' }),
  measureMs: 300,
  warmMs: 0,
};

function scenario(name: string) {
  const found = SCENARIOS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

const stage = new SharedStage();
afterAll(() => stage.stop());

describe('peers in the bench', () => {
  it(
    'fanout: every message of a peer reaches every socket, in as many bytes as ours',
    async () => {
      const sides = await scenario('fanout').open(SETTINGS, stage);
      try {
        expect(sides.names).toEqual(['bare', 'ours', ...PEERS]);
        const bare = (await sides.measure('bare')).detail as Record<string, number>;
        for (const side of PEERS) {
          const { values, cpu, detail } = await sides.measure(side);
          expect(detail, side).toMatchObject({ missing: 0 });
          expect(values['perSecond'], side).toBeGreaterThan(0);
          expect(cpu, side).toMatchObject({ edge: expect.any(Number) });
          const { frameBytes } = detail as Record<string, number>;
          expect(frameBytes, side).toBe((bare['frameBytes'] ?? 0) + FRAMING_BYTES[side]);
        }
      } finally {
        await sides.stop();
      }
    },
    DEADLINE_MS,
  );

  it(
    'memory: a peer keeps something for each connection',
    async () => {
      const sides = await scenario('memory').open(SETTINGS, stage);
      for (const side of PEERS) {
        const { detail } = await sides.measure(side);
        const { rssBytes } = detail as Record<string, number>;
        expect(rssBytes, side).toBeGreaterThan(SOCKET_BYTES_MIN);
      }
      await sides.stop();
    },
    DEADLINE_MS,
  );
});
