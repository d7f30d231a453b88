/** 20,000 connections over two edges, by each wire: all phases of the million, nothing lost. */

import { describe, expect, it } from 'vitest';
import { millionReport, runMillion } from '../kit/million.js';

const CONNECTIONS = 20_000;
/** Five times what it takes alone. */
const RUN_DEADLINE_MS = 10 * 60_000;

describe('npm run million, 20,000 over two edges', () => {
  it.each(['ws', 'sse', 'poll'])(
    '%s: every client gets everything once',
    async (wire) => {
      const env = {
        MILLION_WIRE: wire,
        MILLION_CONNECTIONS: String(CONNECTIONS),
        MILLION_PER_EDGE: String(CONNECTIONS / 2),
        MILLION_RECONNECTS: '4000',
        MILLION_HOLD_SECONDS: '10',
      };
      const { code, output, files, stop } = await runMillion(env, RUN_DEADLINE_MS);
      try {
        process.stdout.write(`${output}\n`);
        expect(code, output).toBe(0);
        const report = await millionReport(files);
        expect([report.reached, report.faults]).toEqual([CONNECTIONS, []]);
      } finally {
        await stop();
      }
    },
    RUN_DEADLINE_MS,
  );
});
