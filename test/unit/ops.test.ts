import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createLogger,
  LoopDelay,
  Metrics,
  randomBase36,
  urlWithoutSecrets,
} from '@halley/shared/ops';
import { afterEach, describe, expect, test } from 'vitest';
import { Child } from '../kit/child.js';
import { eventually, within } from '../kit/wait.js';

describe('the logger', () => {
  function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
    const lines: string[] = [];
    write(createLogger({ level: 'info', name: 'unit' }, { write: (line) => lines.push(line) }));
    return lines.join('');
  }

  test.each(['authorization', 'Authorization', 'cookie', 'token', 'secret', 'password'])(
    'hides %s at any of three depths',
    (field) => {
      const line = logged((log) =>
        log.info({ [field]: 'hush', a: { [field]: 'hush', b: { [field]: 'hush' } } }, 'message'),
      );
      expect(line).not.toContain('hush');
      expect(line.match(/\*\*\*/g)).toHaveLength(3);
    },
  );

  test('hides credentials in messages, errors and addresses', () => {
    const line = logged((log) => {
      log.warn('cannot reach redis://user:hush@host:6379/0');
      log.error({ err: new Error('connect rediss://:hush@host failed') }, 'no connection');
      log.info({
        url: '/v1/ws?client=a&token=hush.hush.hush&queueAfter=1',
        protocol: 'bearer.hush',
      });
      log.info({ note: 'Authorization: Bearer hush' });
    });
    expect(line).not.toContain('hush');
    expect(line).toContain('redis://***@host:6379/0');
    expect(line).toContain('queueAfter=1');
  });

  test('writes lines of JSON with a name and a time, from its level on', () => {
    const line = logged((log) => {
      log.debug('unseen');
      log.info({ channel: 'a' }, 'seen');
    });
    const entry: unknown = JSON.parse(line);
    expect(entry).toMatchObject({ level: 30, name: 'unit', channel: 'a', msg: 'seen' });
    expect(entry).toHaveProperty('time', expect.stringMatching(/^\d{4}-\d\d-\d\dT/));
  });
});

describe('a process that ends', () => {
  const OPS = import.meta.resolve('@halley/shared/ops');

  /** Runs `body` with a logger `log` in a process of its own. */
  function program(body: string): Child {
    const script = `import { createLogger, exit, LOG_BUFFER_MAX_BYTES } from ${JSON.stringify(OPS)};
      const log = createLogger({ level: 'info', name: 'unit' });
      ${body}`;
    const args = ['--input-type=module', '-e', script];
    return new Child('program', spawn(process.execPath, args));
  }

  test('has written all that it logged', async () => {
    const child = program(`for (let i = 0; i < 20_000; i += 1) log.info({ i }, 'line');
      await exit(3);`);
    let lines = 0;
    child.process.stdout?.on('data', (text: string) => {
      lines += text.split('\n').length - 1;
    });
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(lines).toBe(20_000);
  });

  test.each([
    ['in the same turn', "log.info('last'); await exit(3);"],
    ['after an earlier line', "log.info('earlier'); setTimeout(() => exit(3), 20);"],
    ['twice', "log.info('last'); void exit(3); await exit(3);"],
  ])('ends though nobody can read its last line: %s', async (_, body) => {
    const child = program(`process.stdin.once('end', async () => { ${body} }).resume();`);
    child.process.stdout?.destroy();
    child.process.stdin?.end();
    expect(await within(child.exited, 'it is gone')).toEqual({ code: 3, signal: null });
  });

  test('drops what a slow reader does not take, beyond the limit', async () => {
    const child = program(`const text = 'x'.repeat(1_000);
      for (let i = 0; i < 20_000; i += 1) log.info(text);
      process.stdin.once('end', () => exit(3)).resume();
      process.stderr.write('limit ' + LOG_BUFFER_MAX_BYTES + '.');`);
    child.process.stdout?.pause();
    await child.printed('limit 4194304.');
    let bytes = 0;
    child.process.stdout?.on('data', (text: string) => {
      bytes += text.length;
    });
    child.process.stdout?.resume();
    child.process.stdin?.end();
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(bytes).toBeLessThanOrEqual(4_194_304 + 19);
    expect(bytes).toBeGreaterThan(4_000_000);
  });
});

test.each([
  ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
  ['redis://:hush@host:1/2', 'redis://***@host:1/2'],
  ['rediss://user:hush@host', 'rediss://***@host'],
  ['redis://:hu@sh@host', 'redis://***@host'],
  ['redis://:hu/sh@host', 'redis://***@host'],
  ['redis://:hu,sh@host', 'redis://***@host'],
  ['redis://:hush@a:1,redis://:hush@b:2', 'redis://***@a:1,redis://***@b:2'],
  ['redis+sentinel://:hush@a:1,b:2/main', 'redis+sentinel://***@a:1,b:2/main'],
  ['unix://:hush@/run/redis.sock', 'unix://***@/run/redis.sock'],
  ['ws://edge/v1/ws?token=hush&client=a', 'ws://edge/v1/ws?token=***&client=a'],
])('%s is shown as %s', (url, shown) => {
  expect(urlWithoutSecrets(url)).toBe(shown);
});

describe('random names', () => {
  test.each([0, 1, 4, 12, 5_000])('have %i characters of 0-9a-z', (length) => {
    const id = randomBase36(length);
    expect(id).toHaveLength(length);
    expect(id).toMatch(/^[0-9a-z]*$/);
  });

  test('take every character equally often', () => {
    const draws = 360_000;
    const counts = new Map<string, number>();
    for (const char of randomBase36(draws)) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(36);
    const expected = draws / 36;
    let chiSquare = 0;
    for (const count of counts.values()) chiSquare += (count - expected) ** 2 / expected;
    // 35 degrees of freedom: above 100 once in 30 million runs; `byte % 36` unrejected gives over 600.
    expect(chiSquare).toBeLessThan(100);
  });

  test('do not repeat', () => {
    const ids = new Set(Array.from({ length: 20_000 }, () => randomBase36(12)));
    expect(ids.size).toBe(20_000);
  });
});

describe('metrics', () => {
  test('two processes in one do not mix', async () => {
    const [a, b] = [new Metrics(), new Metrics()];
    a.counter({ name: 'halley_things_total', help: 'Things.', labelNames: ['kind'] }).inc(
      { kind: 'x' },
      3,
    );
    b.gauge({
      name: 'halley_things_total',
      help: 'Other things.',
      collect() {
        this.set(7);
      },
    });
    expect(await a.expose()).toContain('halley_things_total{kind="x"} 3');
    expect(await b.expose()).toContain('halley_things_total 7');
    expect(a.contentType).toContain('text/plain');
  });

  test('the process shows under the usual names', async () => {
    const metrics = new Metrics();
    metrics.collectProcess();
    const text = await metrics.expose();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  test('a blocked loop shows in the delay, and only in its window', async () => {
    const delay = new LoopDelay();
    try {
      expect(delay.takeP99Ms()).toBe(0);
      await eventually(() => {
        blockLoop(300);
        return delay.takeP99Ms() > 200;
      }, 'a window with that delay');
      await eventually(() => delay.takeP99Ms() < 100, 'a window without that delay');
    } finally {
      delay.stop();
    }
  });
});

function blockLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('the life of a process', () => {
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  function run(body: string, stdio: 'ipc' | 'pipe'): ChildProcess {
    const source = `
      import { onSignals, reportFatal, reportReady } from '@halley/shared/ops';
      const stay = setInterval(() => {}, 1000);
      ${body}`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'pipe', stdio],
    });
    children.push(child);
    return child;
  }

  const STOPS = `
    onSignals((reason) => {
      process.stdout.write('stop ' + reason + ';');
      setTimeout(() => process.exit(0), 200);
    });
    reportReady({ port: 1, adminPort: 2 });
    process.stdout.write('up;');`;

  async function output(child: ChildProcess): Promise<{ out: string; code: number | null }> {
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    // Not 'close': Node does not emit it for a child whose channel this side has disconnected.
    const ends = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'end'));
    const [code] = (await once(child, 'exit')) as [number | null];
    await Promise.all(ends);
    return { out, code };
  }

  test('it reports ready to its parent', async () => {
    const child = run(STOPS, 'ipc');
    const [message] = await once(child, 'message');
    expect(message).toEqual({ ready: true, port: 1, adminPort: 2 });
  });

  test('of many signals only the first counts, and none cuts the drain short', async () => {
    const child = run(STOPS, 'ipc');
    const ended = output(child);
    await once(child, 'message');
    child.kill('SIGTERM');
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const { out, code } = await ended;
    expect(out.match(/stop SIG(TERM|INT);/g)).toHaveLength(1);
    expect(code).toBe(0);
  });

  test('it stops when its parent is gone', async () => {
    const child = run(STOPS, 'ipc');
    const ended = output(child);
    await once(child, 'message');
    child.disconnect();
    expect(await ended).toEqual({ out: 'up;stop parent-gone;', code: 0 });
  });

  test('listening for the parent does not keep a finished process alive', async () => {
    const child = run(`${STOPS} clearInterval(stay);`, 'ipc');
    expect(await output(child)).toEqual({ out: 'up;', code: 0 });
  });

  test('a fatal line reaches the parent, and the exit code is 78', async () => {
    const child = run(`reportFatal('two\\n  lines');`, 'ipc');
    const ended = output(child);
    const [message] = await once(child, 'message');
    expect(message).toEqual({ fatal: 'two; lines' });
    expect((await ended).code).toBe(78);
  });

  test('without a parent the line is on stderr', async () => {
    const child = run(`reportReady({ port: 1 }); reportFatal('it is wrong');`, 'pipe');
    expect(await output(child)).toEqual({ out: 'it is wrong\n', code: 78 });
  });
});
