/**
 * The load client in Node, for machines without a C compiler: the same arguments, the same answers as
 * native/main.c, which explains the modes. It is itself the bottleneck above 100,000 deliveries/s.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Window } from '../harness/load.js';
import { ClientOptions } from './options.js';
import { Poster } from './poster.js';
import { Sockets } from './sockets.js';
import { Durations, OpenWindow } from './window.js';

const SETTLE_MS = 5_000;
const SENT = Buffer.from('"sentNs":"');

const options = new ClientOptions(process.argv.slice(2));
const latencies = new Durations();
let measuring: OpenWindow | null = null;

function say(event: string, more: object = {}): void {
  console.log(JSON.stringify({ event, ...more }));
}

async function openSockets(onMessage: (payload: Buffer) => void): Promise<Sockets> {
  const sockets = new Sockets({
    port: options.number('ws-port'),
    connections: options.number('connections'),
    readyFrames: options.number('ready-frames', 0),
    targets: options.lines('targets'),
    hello: options.text('hello', ''),
    marker: options.text('marker', ''),
    onMessage,
  });
  await sockets.opened();
  return sockets;
}

function openPoster(): Promise<Poster> {
  return Poster.open({
    port: options.number('post-port'),
    connections: options.number('posters', 64),
    bearer: options.text('bearer'),
    posts: options.lines('posts'),
    onAnswer: (tookNs) => measuring?.answers.add(tookNs),
  });
}

/** Calls `step` in every turn of the event loop, for the warm-up and then for the window. */
async function runWindow(
  poster: Poster,
  sockets: Sockets | null,
  step: () => void,
): Promise<Window> {
  let isStopped = false;
  const turn = (): void => {
    if (isStopped) return;
    step();
    setImmediate(turn);
  };
  turn();
  await pause(options.number('warm-ms', 500));
  const window = new OpenWindow(poster, sockets);
  measuring = window;
  say('measuring');
  await pause(options.number('measure-ms'));
  isStopped = true;
  const result = window.close();
  say('closed');
  return result;
}

/** Every message must have reached every socket; how many did not. */
async function missingDeliveries(poster: Poster, sockets: Sockets): Promise<number> {
  const expected = poster.counts.sent * options.number('connections');
  const end = performance.now() + SETTLE_MS;
  while (sockets.counts.messages < expected && performance.now() < end) await pause(10);
  return expected - sockets.counts.messages;
}

async function fanOut(): Promise<void> {
  const connections = options.number('connections');
  const sockets = await openSockets(() => undefined);
  const poster = await openPoster();
  say('ready');
  const window = await runWindow(poster, sockets, () => {
    const waiting = poster.counts.sent * connections - sockets.counts.messages;
    if (waiting <= connections / 2) poster.send(process.hrtime.bigint());
  });
  say('measured', { ...window, missing: await missingDeliveries(poster, sockets) });
}

async function post(): Promise<void> {
  const poster = await openPoster();
  say('ready');
  const window = await runWindow(poster, null, () => {
    while (poster.send(0n));
  });
  say('measured', window);
}

async function latency(): Promise<void> {
  const sockets = await openSockets(noteLatency);
  const poster = await openPoster();
  say('ready');
  const intervalNs = 1_000_000_000n / BigInt(options.number('rate'));
  let dueNs = process.hrtime.bigint();
  const window = await runWindow(poster, sockets, () => {
    while (dueNs <= process.hrtime.bigint() && poster.send(dueNs)) dueNs += intervalNs;
  });
  const missing = await missingDeliveries(poster, sockets);
  say('measured', {
    ...window,
    missing,
    samples: latencies.count,
    p50Us: latencies.quantileUs(0.5),
    p99Us: latencies.quantileUs(0.99),
    maxUs: latencies.quantileUs(1),
  });
}

function noteLatency(payload: Buffer): void {
  const at = payload.indexOf(SENT) + SENT.length;
  const sentNs = BigInt(payload.toString('latin1', at, at + 20));
  // What was sent before the window is not part of it.
  if (measuring !== null && sentNs >= measuring.openedNs) {
    latencies.add(process.hrtime.bigint() - sentNs);
  }
}

/** Opens the connections and keeps them until the parent has looked. */
async function hold(): Promise<void> {
  await openSockets(() => undefined);
  say('ready');
}

const MODES = new Map([
  ['fanout', fanOut],
  ['post', post],
  ['latency', latency],
  ['hold', hold],
]);

// The end of the parent is the end of its load.
process.stdin.once('end', () => process.exit(0)).resume();
const mode = MODES.get(options.mode);
if (mode === undefined) throw new Error('usage: fanout|post|latency|hold name=value...');
await mode();
if (mode !== hold) process.exit(0);
