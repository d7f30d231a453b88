/** Pages of 100 messages, read over HTTP from the api and over WebSockets from the edge. */

import { startBarePair } from '../harness/bare.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { DATA, numbered, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';
import { runTalk } from './talk.js';

const CHANNELS = numbered('bench:history', 4);
const PAGE = 100;
const FILL_DEADLINE_MS = 20_000;

const shared = { unit: 'pages/s', better: 'more', goals: { bare: 0.5 } } as const;

export const history: Scenario = {
  name: 'history',
  metrics: [
    { ...shared, key: 'httpPerSecond', what: `history of ${PAGE} messages over HTTP` },
    { ...shared, key: 'socketPerSecond', what: `history of ${PAGE} messages over WebSockets` },
  ],
  roundsMax: 3,
  open(settings, stage) {
    const filled = new Set<Stack>();
    return stage.openSides([startBarePair, startOurs], async (stack) => {
      if (!filled.has(stack)) await fill(stack);
      filled.add(stack);
      return measure(stack, settings);
    });
  },
};

/** As many messages in each channel as a page has. */
async function fill(stack: Stack): Promise<void> {
  for (const channel of CHANNELS) {
    const [head = '', body = ''] = stack.dialect.publish(channel, DATA).split('\t');
    const [method = '', path = ''] = head.split(' ');
    const posts = Array.from({ length: PAGE }, () => ask(stack, path, { method, body }));
    await Promise.all(posts);
  }
}

/** @returns the answer's text @throws Error for a refusal */
async function ask(stack: Stack, path: string, init: RequestInit): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${stack.postPort}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${stack.bearer}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(FILL_DEADLINE_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`history, ${stack.side}: ${response.status} ${text}`);
  return text;
}

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const paths = CHANNELS.map((name) => `/channels/${name}/messages?limit=${PAGE}`);
  const page = await ask(stack, paths[0] ?? '', { method: 'GET' });
  const http = await runLoad(stack, 'post', {
    ...windowOptions(settings),
    posters: settings.posters,
    requests: paths.map((path) => `GET ${path}`),
  });
  const socket = await runTalk(stack, settings, {
    frames: CHANNELS.map((channel) =>
      JSON.stringify({ type: 'history', ref: 1, channel, limit: PAGE }),
    ),
    stride: 1,
  });
  const { answered = 0, seconds } = socket.window;
  return {
    values: {
      httpPerSecond: http.window.posts / http.window.seconds,
      socketPerSecond: answered / seconds,
    },
    cpu: http.cpu,
    detail: { pageBytes: Buffer.byteLength(page), http: http.window, socket },
  };
}
