/** `halley start`: the supervisor with the real programs, as a developer runs it. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Child, cleanEnv } from '../kit/child.js';
import { connectApp, messageFrame } from '../kit/megacomet-app.js';
import { openMegacomet, requestOf } from '../kit/megacomet-client.js';
import { connect } from '../kit/native-client.js';
import { freePort } from '../kit/ports.js';
import { eventually } from '../kit/wait.js';

const MAIN = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 15_000;

let dir: string;
let edgePort: number;
let started: Child[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'halley-start-'));
  edgePort = await freePort();
  started = [];
});

afterEach(async () => {
  for (const halley of started) if (halley.isRunning) await halley.terminate(STOP_DEADLINE_MS);
  await rm(dir, { recursive: true, force: true });
});

function halley(env: Record<string, string> = {}, args = ['start']): Child {
  const settings = {
    HALLEY_EDGES: '2',
    HALLEY_EDGE_PORT: String(edgePort),
    HALLEY_EDGE_ADMIN_PORT: '0',
    HALLEY_API_PORT: '0',
    HALLEY_DATA_DIR: dir,
    HALLEY_DRAIN_SECONDS: '1',
    HALLEY_DRAIN_GRACE_MS: '50',
  };
  const child = new Child(
    'halley',
    spawn(process.execPath, [MAIN, ...args], { env: cleanEnv({ ...settings, ...env }) }),
  );
  started.push(child);
  return child;
}

async function running(env: Record<string, string> = {}): Promise<Child> {
  const child = halley(env);
  await child.printed('Halley is running', START_DEADLINE_MS);
  await child.printed('"hello"}\'', START_DEADLINE_MS);
  return child;
}

/** The processes that a supervisor started, by a word of their command line. */
function childrenOf(parent: Child, word: string): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return rows.flatMap((row) => {
    const [, pid, ppid, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
    return Number(ppid) === parent.pid && args?.includes(word) ? [Number(pid)] : [];
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function areGone(pids: readonly number[]): Promise<void> {
  await eventually(() => !pids.some(isAlive), `${pids.join(', ')} are gone`, STOP_DEADLINE_MS);
}

function curlLineOf(output: string): string {
  const line = output.split('\n').find((text) => text.trim().startsWith('curl '));
  if (line === undefined) throw new Error(`no curl line in:\n${output}`);
  return line;
}

describe('a running machine', () => {
  test('the printed curl line and socket address work; SIGTERM ends everything with 0', async () => {
    const child = await running();
    const socket = await connect(/ws:\S+/.exec(child.output)?.[0] ?? '');
    await socket.subscribe('demo:hello');
    const curl = `${curlLineOf(child.output)} -s -o ${dir}/answer -w '%{http_code}'`;
    expect(execFileSync('sh', ['-c', curl], { encoding: 'utf8' })).toBe('201');
    expect(await socket.waitForMessages('demo:hello', 1)).toMatchObject([{ data: 'hello' }]);
    await socket.close();
    const demo = await fetch(/Open (\S+)/.exec(child.output)?.[1] ?? '');
    expect([demo.status, await demo.text()]).toEqual([200, expect.stringContaining('/sdk.js')]);
    const pids = childrenOf(child, '');
    expect(pids).toHaveLength(4);
    // V8 has this many MiB in each half of the young generation of an edge; the api has its default.
    expect(childrenOf(child, '--max-semi-space-size=4')).toEqual(childrenOf(child, 'edge/dist'));
    expect(await child.terminate(STOP_DEADLINE_MS)).toEqual({ code: 0, signal: null });
    await areGone(pids);
  });

  test('ports of single doors are named, and serve', async () => {
    const [megacomet, manager] = [await freePort(), await freePort()];
    const child = await running({
      HALLEY_MEGACOMET_PORT: String(megacomet),
      HALLEY_MEGACOMET_MANAGER_PORT: String(manager),
    });
    expect(child.output).toContain(
      `\n  doors  MegaComet on http://127.0.0.1:${megacomet}/<clientId>.js\n` +
        `         manager of MegaComet on 127.0.0.1:${manager}\n`,
    );
    const app = await connectApp(manager);
    app.send(messageFrame('Sue', 'hello'));
    const client = await openMegacomet(megacomet, requestOf('/Sue.js'));
    expect(await client.message()).toBe('hello');
    await app.end();
  });

  test('a crashed edge and a crashed Redis come back, and the messages are still there', async () => {
    const child = await running();
    execFileSync('sh', ['-c', `${curlLineOf(child.output)} -s -o /dev/null`]);
    // Redis writes its file once a second at the latest; what it acknowledged is in the kernel.
    for (const word of ['edge/dist', 'redis-server']) {
      const [pid] = childrenOf(child, word);
      process.kill(pid ?? 0, 'SIGKILL');
    }
    await child.printed(/redis was ended by SIGKILL; it is started again in 0\.5 s/);
    await child.printed(/edge \d was ended by SIGKILL; it is started again in 0\.5 s/);
    await child.printed('redis is back');
    await child.printed(/edge \d is back/, START_DEADLINE_MS);
    const messages = await eventually(() => historyOf(child), 'the history is served again');
    expect(messages).toContain('"hello"');
  });

  test('a SIGKILL of the supervisor leaves no process behind', async () => {
    const child = await running();
    const pids = childrenOf(child, '');
    await child.kill();
    await areGone(pids);
  });

  test('the password of Redis shows in no command line', async () => {
    const child = await running();
    const [pid] = childrenOf(child, 'redis-server');
    const config = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    expect(config).toMatch(/^redis-server 127\.0\.0\.1:\d+\0*$/);
  });

  test('a second start with the same data is refused, and the first goes on', async () => {
    const first = await running();
    const second = halley({ HALLEY_EDGE_PORT: String(await freePort()) });
    expect(await second.exited).toMatchObject({ code: 78 });
    expect(second.output).toBe(
      `halley: redis: another Halley uses the data in ${dir}/redis: stop it, or set HALLEY_DATA_DIR.\n`,
    );
    expect(first.isRunning).toBe(true);
  });

  test('a second start on the same shared port is refused', async () => {
    await running();
    const second = halley({ HALLEY_DATA_DIR: `${dir}/other` });
    expect(await second.exited).toMatchObject({ code: 78 });
    expect(second.output).toBe(
      `halley: HALLEY_EDGE_PORT: port ${edgePort} on 127.0.0.1 is taken by another program: ` +
        'stop it, or set another port.\n',
    );
  });
});

describe('what cannot start says so and exits with 78', () => {
  async function refused(env: Record<string, string>): Promise<string> {
    const child = halley(env);
    expect(await child.exited).toEqual({ code: 78, signal: null });
    return child.output;
  }

  test('all taken ports at once, each by its setting', async () => {
    const holder = createServer().listen(edgePort, '127.0.0.1');
    const other = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(holder, 'listening'), once(other, 'listening')]);
    const { port } = other.address() as AddressInfo;
    expect((await refused({ HALLEY_API_PORT: String(port) })).trimEnd().split('\n')).toEqual([
      expect.stringContaining(`HALLEY_API_PORT: port ${port} on 127.0.0.1 is taken`),
      expect.stringContaining(`HALLEY_EDGE_PORT: port ${edgePort} on 127.0.0.1 is taken`),
    ]);
    holder.close();
    other.close();
  });

  test.each(['HALLEY_MEGACOMET_PORT', 'HALLEY_MEGACOMET_MANAGER_PORT', 'HALLEY_DPS_PORT'])(
    'M-1 a taken %s',
    async (setting) => {
      const holder = createServer().listen(0, '127.0.0.1');
      await once(holder, 'listening');
      const { port } = holder.address() as AddressInfo;
      const output = await refused({ [setting]: String(port) });
      expect(output).toContain(`halley: ${setting}: port ${port} on 127.0.0.1 is taken`);
      holder.close();
    },
  );

  test('several edges on port 0', async () => {
    expect(await refused({ HALLEY_EDGE_PORT: '0' })).toMatch(/cannot share port 0: set a port/);
  });

  test('production without keys, every problem in a line of its own', async () => {
    const output = await refused({ NODE_ENV: 'production' });
    expect(output).toMatch(/^halley: .*HALLEY_API_KEYS/m);
    expect(output).toMatch(/^halley: .*HALLEY_TOKEN_SECRET/m);
  });

  test('no redis-server and no REDIS_URL', async () => {
    expect(await refused({ PATH: dir })).toMatch(/there is no redis-server: .*REDIS_URL/);
  });
});

test.each([
  [['--help'], 0, /^Usage: halley <command>/],
  [[], 64, /there is no command/],
  [['stat'], 64, /there is no command stat/],
  [['start', 'now'], 64, /start takes no argument, not now/],
  [['start', '--port=1'], 64, /--port/],
])('halley %j exits with %d', async (args, code, text) => {
  const child = halley({}, args);
  expect(await child.exited).toMatchObject({ code });
  expect(child.output).toMatch(text);
});

/** The text of the history answer; null while Redis is not back. */
async function historyOf(child: Child): Promise<string | null> {
  const url = /curl (\S+)/.exec(curlLineOf(child.output))?.[1] ?? '';
  const answer = await fetch(url, { headers: { authorization: 'Bearer dev-key' } });
  return answer.ok ? answer.text() : null;
}
