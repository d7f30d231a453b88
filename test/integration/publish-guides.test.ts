/** docs/publish.md keeps its word: every block of it is run, also while the api is away. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { DEVELOPMENT_API_KEY, loadSettings } from '@halley/shared/config';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Block, BUILD_DEADLINE_MS, blocksOf, Guide, hasProgram } from '../kit/guides.js';
import { openLossyProxy } from '../kit/lossy-proxy.js';
import { connect } from '../kit/native-client.js';
import { useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

const PAGE = 'docs/publish.md';
const CHANNEL = 'demo:hello';
/** With the start of the program; the page says 2 s. */
const AWAY_MAX_MS = 3_000;
/** What a loaded machine may add to the time-outs of a server that is silent. */
const SLACK_MS = 1_500;

const blocks = blocksOf(PAGE);

function blockOf(heading: string, language: string): Block {
  const [block, ...others] = blocks.filter(
    (candidate) => candidate.heading === heading && candidate.language === language,
  );
  if (block !== undefined && others.length === 0) return block;
  throw new Error(`${PAGE} has ${others.length + 1} or no ${language} under "${heading}"`);
}

/** A line that publishes once more by the same function, put where the program ends. */
const FUNCTIONS: readonly {
  readonly heading: string;
  readonly language: string;
  readonly again?: (code: string) => string;
}[] = [
  { heading: 'curl', language: 'sh' },
  { heading: 'PHP', language: 'php', again: (code) => `${code}halley_publish('${CHANNEL}', 2);\n` },
  {
    heading: 'Python',
    language: 'python',
    again: (code) => `${code}halley_publish('${CHANNEL}', 2)\n`,
  },
  {
    heading: 'Go',
    language: 'go',
    again: (code) => code.replace(/\}\n$/, `\thalleyPublish("${CHANNEL}", 2)\n}\n`),
  },
  { heading: 'Node, Deno, Bun', language: 'js' },
];

/** Debian's golang-go takes 464 MB of disk, so `npm test` does not install it. */
const hasGo = hasProgram('go');
const runnable = FUNCTIONS.filter(({ language }) => language !== 'go' || hasGo);

const stack = useFleet({ edges: 1 });
let orders = 0;

interface Message {
  readonly id: string;
  readonly data: unknown;
}

async function messagesOf(path: string): Promise<Message[]> {
  const { body } = await stack.rest.get(path);
  return (body as { messages: Message[] }).messages;
}

const history = () => messagesOf(`/channels/${CHANNEL}/messages`);

function envOf(url: string): Record<string, string> {
  orders += 1;
  return { HALLEY_URL: url, HALLEY_KEY: DEVELOPMENT_API_KEY, ORDER: `${orders}` };
}

afterEach(async () => {
  await stack.rest.delete(`/channels/${CHANNEL}/messages`);
});

describe(PAGE, () => {
  test('has no block that is not run here', () => {
    const known = [
      'Publish sh',
      ...FUNCTIONS.map(({ heading, language }) => `${heading} ${language}`),
      'A private message sh',
      'Many messages sh',
      'A token sh',
      'The same with @halley/server js',
    ];
    expect(blocks.map(({ heading, language }) => `${heading} ${language}`)).toEqual(known);
    const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), 'utf8');
    expect(page.match(/^\s*```/gm)).toHaveLength(2 * blocks.length);
  });

  test('says where `npm start` listens, and with which key', () => {
    const { code } = blockOf('Publish', 'sh');
    const shown = execFileSync('bash', ['-euc', `${code}echo "$HALLEY_URL $HALLEY_KEY"`], {
      encoding: 'utf8',
    });
    const { host, api } = loadSettings({});
    expect(shown).toBe(`http://${host}:${api.port} ${DEVELOPMENT_API_KEY}\n`);
  });

  test('names settings that exist', () => {
    const root = new URL('../../', import.meta.url);
    const table = readFileSync(new URL('.env.example', root), 'utf8');
    const page = readFileSync(new URL(PAGE, root), 'utf8');
    const names = new Set(page.match(/HALLEY_[A-Z_]+/g));
    const unknown = [...names].filter((name) => !table.includes(`# ${name}=`));
    // The two that the examples themselves read.
    expect(unknown.sort()).toEqual(['HALLEY_KEY', 'HALLEY_URL']);
  });

  if (!hasGo) test.skip('runs the block of Go: no go here, Debian needs 464 MB for it', () => {});
});

describe.each(runnable)('the function in $heading', ({ heading, language, again }) => {
  let guide: Guide;

  beforeAll(async () => {
    guide = await Guide.of(blockOf(heading, language));
  }, BUILD_DEADLINE_MS);

  afterAll(() => guide?.remove());

  /** Runs it. @returns what it says: was the message sent? */
  async function publish(url: string): Promise<{ isSent: boolean; tookMs: number }> {
    const { code, output, tookMs } = await guide.run(envOf(url));
    if (language === 'sh') return { isSent: code === 0, tookMs };
    expect([code, output]).toEqual([0, expect.stringMatching(/^(not )?sent\n$/)]);
    return { isSent: output === 'sent\n', tookMs };
  }

  test('sends', async () => {
    expect((await publish(stack.fleet.api().url)).isSent).toBe(true);
    expect(await history()).toEqual([{ id: expect.any(String), data: { text: 'hi' } }]);
  });

  test.each(['cut', 'silence'] as const)(
    'sends once where an answer is lost by %s',
    async (how) => {
      const proxy = await openLossyProxy(stack.fleet.api().url);
      proxy.loseNext(how);
      const { isSent } = await publish(proxy.url).finally(() => proxy.stop());
      expect([proxy.lost, isSent]).toEqual([1, true]);
      expect(await history()).toHaveLength(1);
    },
  );

  test('says no where the key is wrong, and the page goes on', async () => {
    const env = { ...envOf(stack.fleet.api().url), HALLEY_KEY: 'wrong' };
    const { code, output } = await guide.run(env);
    expect(language === 'sh' ? code : output).toEqual(language === 'sh' ? 22 : 'not sent\n');
    expect(await history()).toEqual([]);
  });

  test('says no within 3 s where the api has stopped', async () => {
    const api = await stack.fleet.addApi();
    const { url } = api;
    await api.terminate();
    const { isSent, tookMs } = await publish(url);
    expect(isSent).toBe(false);
    expect(tookMs).toBeLessThan(AWAY_MAX_MS);
  });

  test('says no in time where the api accepts and never answers', async () => {
    const silence = await openSilence();
    const { isSent, tookMs } = await publish(silence.url).finally(() => silence.stop());
    expect(isSent).toBe(false);
    expect(silence.requests()).toBe(2);
    expect(tookMs).toBeLessThan(AWAY_MAX_MS + SLACK_MS);
  });

  if (again === undefined) return;
  test(
    'keeps its connection',
    async () => {
      const block = blockOf(heading, language);
      const longer = await Guide.of({ ...block, code: again(block.code) });
      const proxy = await openLossyProxy(stack.fleet.api().url);
      const { code, output } = await longer.run(envOf(proxy.url)).finally(() => proxy.stop());
      await longer.remove();
      expect([code, output]).toEqual([0, 'sent\n']);
      expect((await history()).map(({ data }) => data)).toEqual([{ text: 'hi' }, 2]);
      expect(proxy.connections).toBe(1);
    },
    BUILD_DEADLINE_MS,
  );
});

describe('the other calls', () => {
  async function run(heading: string, language: string): Promise<unknown> {
    const guide = await Guide.of(blockOf(heading, language));
    const { code, output } = await guide.run(envOf(stack.fleet.api().url));
    await guide.remove();
    expect([code, output]).toEqual([0, expect.stringContaining('{')]);
    return JSON.parse(output.slice(output.indexOf('{')));
  }

  test('a private message, by curl and by @halley/server with the same key: one', async () => {
    const sent = await run('A private message', 'sh');
    const queue = () => messagesOf('/clients/ann/queue');
    const paid = { data: { order: 17 }, event: 'paid' };
    expect(await queue()).toMatchObject([{ id: (sent as Message).id, ...paid }]);
    await run('The same with @halley/server', 'js');
    const messages = await queue();
    expect(messages.filter(({ data }) => typeof data === 'object')).toMatchObject([paid]);
  });

  test('many messages', async () => {
    const ok = { id: expect.any(String), edges: 0 };
    const both = [
      { client: 'ann', ...ok },
      { client: 'bob', ...ok },
    ];
    const results = [ok, { results: both }];
    expect(await run('Many messages', 'sh')).toEqual({ results });
    expect(await run('The same with @halley/server', 'js')).toMatchObject({ results });
    expect((await history()).map(({ data }) => data)).toEqual(['to a channel', 'to a channel']);
  });

  test.each([
    ['A token', 'sh'],
    ['The same with @halley/server', 'js'],
  ])('%s: lets the client in, and to its own channel alone', async (heading, language) => {
    const { token } = (await run(heading, language)) as { token: string };
    const client = await connect(stack.ws(), { token });
    expect(await client.welcomed()).toMatchObject({ clientId: 'ann' });
    await client.subscribe('orders:ann');
    const refused = await client.request({ type: 'subscribe', channel: 'orders:bob' });
    expect(refused).toMatchObject({ type: 'error', code: 'forbidden' });
    await client.close();
  });
});

/** A server that accepts, reads and says nothing. */
async function openSilence() {
  const sockets: Socket[] = [];
  let requests = 0;
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // The caller goes first.
    // Node's fetch opens connections that it sends nothing on.
    socket.once('data', () => {
      requests += 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await within(once(server, 'listening'), 'it listens');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
