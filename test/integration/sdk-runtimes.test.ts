/** The packed SDK where JavaScript runs without a page: Node without a WebSocket, Deno, Bun. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserProject } from '../kit/sdk-package.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';

const PACK_DEADLINE_MS = 120_000;
/** Runtimes start slowly on a loaded machine, and each test starts one. */
const RUNTIME_DEADLINE_MS = 60_000;

/**
 * Subscribes, publishes, receives, reads the history, closes. It says nothing of its end: a handle that
 * stays keeps it from ending, and the test waits in vain.
 */
const PROGRAM = `
import { Halley } from '@halley/client';

const { ws, ...options } = JSON.parse(process.argv[2]);
if (ws) options.WebSocket = (await import(ws)).WebSocket;
const { channel, ...rest } = options;
const halley = new Halley(rest);
const errors = [];
halley.on('error', ({ code }) => errors.push(code));
const privates = new Promise((resolve) => halley.on('private', ({ data }) => resolve(data)));
const subscription = halley.subscribe(channel);
const messages = subscription[Symbol.asyncIterator]();
await subscription.ready;
const { id } = await halley.publish(channel, { text: 'Grüße 😀' }, { event: 'greeting' });
const { value } = await messages.next();
const page = await halley.history(channel);
const { name, transport, sharing, clientId } = halley.state;
console.log(JSON.stringify({
  name, transport, clientId, errors,
  sharing,
  received: [value.id === id, value.data, value.event],
  history: page.messages.map(({ data }) => data),
}));
subscription.unsubscribe();
halley.close();
`;

/** Only the platform's package of a runtime has its program; the others find it by a script at install. */
function programOf(name: string, platforms: Record<string, string>, path: string): string {
  const platform = platforms[`${process.platform}-${process.arch}`];
  if (platform === undefined) throw new Error(`there is no ${name} for this platform`);
  const { resolve } = createRequire(createRequire(import.meta.url).resolve(`${name}/package.json`));
  return join(dirname(resolve(`${platform}/package.json`)), path);
}

const PROGRAMS = {
  node: () => process.execPath,
  deno: () =>
    programOf(
      'deno',
      { 'linux-x64': '@deno/linux-x64-glibc', 'linux-arm64': '@deno/linux-arm64-glibc' },
      'deno',
    ),
  bun: () =>
    programOf(
      'bun',
      { 'linux-x64': '@oven/bun-linux-x64', 'linux-arm64': '@oven/bun-linux-aarch64' },
      'bin/bun',
    ),
};

/** What stands before the name of the program. Deno gives it nothing but the network. */
const ARGS = {
  node: [],
  deno: ['run', '--quiet', '--no-prompt', '--node-modules-dir=manual', '--allow-net=127.0.0.1'],
  bun: ['run'],
};

describe('a program', () => {
  const stack = useFleet();
  let project: UserProject;

  beforeAll(async () => {
    project = await UserProject.create(['libs/sdk']);
    await project.write('smoke.mjs', PROGRAM);
  }, PACK_DEADLINE_MS);

  afterAll(() => project?.remove());

  async function run(runtime: keyof typeof PROGRAMS, options: object = {}) {
    const settings = { nodes: [stack.edge().url], channel: channelIn('demo'), ...options };
    const args = [...ARGS[runtime], 'smoke.mjs', JSON.stringify(settings)];
    return JSON.parse(await project.run(PROGRAMS[runtime](), args));
  }

  const done = (transport: string, fields: object = {}) => ({
    name: 'connected',
    transport,
    // Some runtimes could; but a program has no tabs.
    sharing: 'unavailable',
    errors: [],
    received: [true, { text: 'Grüße 😀' }, 'greeting'],
    history: [{ text: 'Grüße 😀' }],
    ...fields,
  });

  const ws = new URL('wrapper.mjs', pathToFileURL(createRequire(import.meta.url).resolve('ws')))
    .href;

  test.each<[string, keyof typeof PROGRAMS, string, object]>([
    // It has no WebSocket and no EventSource: the first that it can do.
    ['by itself', 'node', 'stream', {}],
    ['with the WebSocket of ws', 'node', 'websocket', { ws }],
    ['by itself', 'deno', 'websocket', {}],
    ['by itself', 'bun', 'websocket', {}],
    ...(['node', 'deno', 'bun'] as const).flatMap((runtime) =>
      ['stream', 'poll'].map(
        (name) =>
          [`over ${name}`, runtime, name, { transports: [name] }] as [
            string,
            typeof runtime,
            string,
            object,
          ],
      ),
    ),
  ])(
    '%s in %s: all calls, and it ends by itself',
    async (_, runtime, transport, options) => {
      expect(await run(runtime, options)).toEqual(done(transport));
    },
    RUNTIME_DEADLINE_MS,
  );

  test.each(['node', 'deno', 'bun'] as const)(
    '%s: a name, positions that persist and sharing change nothing there',
    async (runtime) => {
      const options = { client: 'alice', persist: true, transports: ['stream'] };
      expect(await run(runtime, options)).toEqual(done('stream', { clientId: 'alice' }));
    },
    RUNTIME_DEADLINE_MS,
  );
});
