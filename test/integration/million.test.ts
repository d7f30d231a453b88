/** The million at a small number: every phase loses nothing. Its figures mean nothing here. */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { MILLION_DEADLINE_MS, millionReport, runMillion } from '../kit/million.js';

const CONNECTIONS = 600;
const SMALL = {
  MILLION_CONNECTIONS: String(CONNECTIONS),
  MILLION_PER_EDGE: '300',
  MILLION_HOLD_SECONDS: '1',
  MILLION_SETTLE_SECONDS: '0',
  MILLION_BROADCASTS: '1',
  MILLION_PRIVATE: '100',
  MILLION_RECONNECTS: '200',
  MILLION_ROUND_SECONDS: '1',
  MILLION_DRAIN_SECONDS: '2',
};
const PHASES = ['ramp', 'hold', 'broadcast', 'private messages', 'reconnects', 'drain of one edge'];

describe('npm run million', () => {
  it(
    'every client gets everything once, in each phase, and a report tells of it',
    async () => {
      const { code, output, files, stop } = await runMillion(SMALL);
      try {
        expect(code, output).toBe(0);
        expect(files.map((file) => file.replace(/^.*[.]/, '')).sort()).toEqual([
          'json',
          'md',
          'svg',
        ]);
        const report = await millionReport(files);
        expect(report.reached).toBe(CONNECTIONS);
        expect(report.faults).toEqual([]);
        expect(report.phases.map(({ name }) => name)).toEqual(PHASES);
        const [, , broadcast, , reconnects, drain] = report.phases;
        expect(broadcast?.detail).toMatchObject([{ delivered: CONNECTIONS }]);
        expect(reconnects?.detail).toMatchObject({ after: { resumed: 200, ready: CONNECTIONS } });
        expect(drain?.detail).toMatchObject({ after: { moved: 300, ready: CONNECTIONS } });
        const picture = files.find((file) => file.endsWith('.svg')) ?? '';
        expect(await readFile(picture, 'utf8')).toContain('Memory by connections');
      } finally {
        await stop();
      }
    },
    MILLION_DEADLINE_MS,
  );

  it(
    'the ramp stops when too little memory is available, and says how far it came',
    async () => {
      const { code, output, files, stop } = await runMillion({
        ...SMALL,
        MILLION_MIN_AVAILABLE_MIB: '100000000',
      });
      try {
        expect(code, output).toBe(0);
        expect(output).toContain('MiB available');
        expect((await millionReport(files)).reached).toBe(0);
      } finally {
        await stop();
      }
    },
    MILLION_DEADLINE_MS,
  );

  it('refuses all bad knobs at once, and what this machine cannot hold', async () => {
    const bad = await runMillion({ MILLION_CONNECTIONS: '0', MILLION_PRIVATE: 'x' });
    expect(bad.code).toBe(1);
    expect(bad.output).toMatch(/MILLION_CONNECTIONS.*\n.*MILLION_PRIVATE/);
    await bad.stop();
    const large = await runMillion({
      MILLION_CONNECTIONS: '10000000',
      MILLION_PER_EDGE: '1000000',
    });
    expect(large.code).toBe(1);
    expect(large.output).toContain('set MILLION_PER_EDGE to');
    await large.stop();
  });
});
