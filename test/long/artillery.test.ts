/** A moment of each script of Artillery, through the command that an operator runs. */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child, cleanEnv } from '../kit/child.js';
import { useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

const COMMAND = fileURLToPath(new URL('../../scripts/artillery.mjs', import.meta.url));
/** Its first run may install 590 MB. */
const RUN_DEADLINE_MS = 15 * 60_000;

const USERS = 10;
const MESSAGES = 3;
const SMALL = {
  HALLEY_SECONDS: '2',
  HALLEY_ARRIVALS: String(USERS / 2),
  HALLEY_MESSAGES: String(MESSAGES),
  HALLEY_ROOM: '3',
  HALLEY_P99_MS: '5000',
};

interface Aggregate {
  readonly counters: Readonly<Record<string, number>>;
  readonly summaries: Readonly<Record<string, { readonly p99: number }>>;
}

const fleet = useFleet({ edges: 2 });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halley-artillery-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(script: string, env: Record<string, string> = {}) {
  const file = join(folder, 'report.json');
  const spawned = spawn(process.execPath, [COMMAND, script, '--output', file], {
    env: cleanEnv({
      ...SMALL,
      HALLEY_TARGET: fleet.fleet.api().url,
      ...env,
    }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const child = new Child('artillery', spawned);
  try {
    const { code } = await within(child.exited, () => child.output, RUN_DEADLINE_MS);
    const report = JSON.parse(await readFile(file, 'utf8')) as { readonly aggregate: Aggregate };
    return { code, output: child.output, ...report.aggregate };
  } finally {
    if (child.isRunning) await child.kill();
  }
}

describe('npm run artillery', () => {
  it('publish: what was POSTed is in the history', async () => {
    const { code, output, counters } = await run('publish');
    expect(code, output).toBe(0);
    expect(counters['http.codes.201']).toBe(USERS * MESSAGES);
    const { body } = await fleet.rest.get('/channels/demo%3Aartillery-publish/messages?limit=100');
    expect((body as { messages: unknown[] }).messages).toHaveLength(USERS * MESSAGES);
  });

  it('subscribe: each message arrives', async () => {
    const { code, output, counters, summaries } = await run('subscribe', {
      HALLEY_EDGE_URLS: fleet.edge(0).url,
    });
    expect(code, output).toBe(0);
    expect(counters['halley.delivered']).toBe(USERS * MESSAGES);
    expect(summaries['halley.delivery_ms']?.p99).toBeGreaterThan(0);
  });

  it('chat: everybody receives what everybody says', async () => {
    const { code, output, counters } = await run('chat');
    expect(code, output).toBe(0);
    expect(counters['vusers.completed']).toBe(USERS);
    // More than one's own lines.
    expect(counters['halley.received']).toBeGreaterThan(USERS * MESSAGES);
    expect(counters['halley.received']).toBe(counters['halley.expected']);
  });

  it('a threshold that is missed fails the run', async () => {
    const { code, output } = await run('subscribe', { HALLEY_P99_MS: '0.001' });
    expect(code, output).toBe(1);
    expect(output).toContain('fail: halley.delivery_ms.p99 < 0.001');
  });

  it('a refusal fails the run, and so does a threshold of what never came', async () => {
    const { code, output, counters } = await run('subscribe', { HALLEY_KEY: 'wrong' });
    expect(code, output).toBe(1);
    expect(counters['vusers.failed']).toBe(USERS);
    expect(output).toContain('fail: halley.delivery_ms.p99 < 5000');
  });
});
