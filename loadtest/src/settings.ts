/** The knobs of the bench: environment variables, each with a default, a unit and a range. */

import { describeKnobs, describeVariable, type Knobs, readKnobs } from './knobs.js';

const KNOBS = {
  BENCH_ROUNDS: { default: 5, min: 1, max: 25, about: 'rounds; the median of them counts' },
  BENCH_SECONDS: {
    default: 2,
    min: 0.1,
    max: 30,
    about: 'length of one measurement, seconds',
    isFraction: true,
  },
  BENCH_WARM_SECONDS: {
    default: 0.5,
    min: 0,
    max: 10,
    about: 'load before a measurement, seconds',
    isFraction: true,
  },
  BENCH_SUBSCRIBERS: { default: 1_000, min: 1, max: 15_000, about: 'fanout, burst: connections' },
  BENCH_BURST_MESSAGES: { default: 64, min: 1, max: 256, about: 'burst: messages on their way' },
  BENCH_MANY_SUBSCRIBERS: {
    default: 10_000,
    min: 1,
    max: 15_000,
    about: 'fanout-10000: WebSockets',
  },
  BENCH_CHANNELS: { default: 1_000, min: 1, max: 1_000, about: 'channels: how many' },
  BENCH_CHANNEL_SUBSCRIBERS: {
    default: 10,
    min: 1,
    max: 15,
    about: 'channels: WebSockets of each',
  },
  BENCH_PRIVATE_CLIENTS: { default: 10_000, min: 1, max: 15_000, about: 'private: clients' },
  BENCH_POSTERS: {
    default: 64,
    min: 1,
    max: 1_000,
    about: 'post, channels, private: HTTP connections',
  },
  BENCH_BATCH_MESSAGES: { default: 1_000, min: 1, max: 1_000, about: 'batch: messages of a POST' },
  BENCH_BATCH_POSTERS: { default: 2, min: 1, max: 64, about: 'batch: HTTP connections' },
  BENCH_CONNECTIONS: {
    default: 10_000,
    min: 10,
    max: 15_000,
    about: 'memory, connect, idle: connections',
  },
  // As long as a client waits until it says something.
  BENCH_IDLE_SECONDS: {
    default: 25,
    min: 0.5,
    max: 300,
    about: 'idle: length of the measurement, seconds',
    isFraction: true,
  },
  BENCH_RATE: { default: 1_000, min: 1, max: 20_000, about: 'latency: messages a second' },
  BENCH_LATENCY_SUBSCRIBERS: { default: 100, min: 1, max: 15_000, about: 'latency: WebSockets' },
  BENCH_KILLS: { default: 10, min: 1, max: 100, about: 'failover: edges that are killed' },
  BENCH_STORM_CLIENTS: { default: 10_000, min: 1, max: 15_000, about: 'reconnect-storm: clients' },
  BENCH_SDK_CLIENTS: { default: 5_000, min: 3, max: 15_000, about: 'reconnect: SDK clients' },
  BENCH_PEERS: { default: 1, min: 0, max: 1, about: 'Nchan and Socket.IO beside ours; 0: without' },
  BENCH_CURVE_ROUNDS: { default: 1, min: 1, max: 25, about: 'curves: rounds; the median counts' },
  BENCH_CURVE_MS: {
    default: 1_000,
    min: 50,
    max: 30_000,
    about: 'curves: length of one window, ms',
  },
  BENCH_CURVE_CHANNELS: { default: 1_000, min: 1, max: 1_000, about: 'curves: most channels' },
  BENCH_CURVE_CONNECTIONS: {
    default: 19_000,
    min: 19,
    // A process has 20,000 files.
    max: 19_000,
    about: 'curves: most WebSockets of one edge',
  },
  BENCH_CURVE_EDGES: { default: 4, min: 1, max: 4, about: 'curves: most edges' },
  BENCH_TALKERS: { default: 256, min: 1, max: 15_000, about: 'history, join-leave: WebSockets' },
} as const satisfies Knobs;

export interface BenchSettings {
  readonly rounds: number;
  readonly measureMs: number;
  readonly warmMs: number;
  readonly subscribers: number;
  readonly burstMessages: number;
  readonly manySubscribers: number;
  readonly channels: number;
  readonly channelSubscribers: number;
  readonly privateClients: number;
  readonly posters: number;
  readonly batchMessages: number;
  readonly batchPosters: number;
  readonly connections: number;
  readonly idleMs: number;
  readonly ratePerSecond: number;
  readonly latencySubscribers: number;
  readonly kills: number;
  readonly stormClients: number;
  readonly sdkClients: number;
  /** 0 or 1. */
  readonly peers: number;
  readonly talkers: number;
  readonly curveRounds: number;
  readonly curveMs: number;
  readonly curveChannels: number;
  readonly curveConnections: number;
  readonly curveEdges: number;
  /** Folder for the curves' pictures; `null` where none are asked for. */
  readonly picturesFolder: string | null;
}

/** @throws Error that names every knob with a value outside its range */
export function loadBenchSettings(env: NodeJS.ProcessEnv): BenchSettings {
  const knobs = readKnobs(KNOBS, env);
  return {
    rounds: knobs.BENCH_ROUNDS,
    measureMs: millisecondsOf(knobs.BENCH_SECONDS),
    warmMs: millisecondsOf(knobs.BENCH_WARM_SECONDS),
    subscribers: knobs.BENCH_SUBSCRIBERS,
    burstMessages: knobs.BENCH_BURST_MESSAGES,
    manySubscribers: knobs.BENCH_MANY_SUBSCRIBERS,
    channels: knobs.BENCH_CHANNELS,
    channelSubscribers: knobs.BENCH_CHANNEL_SUBSCRIBERS,
    privateClients: knobs.BENCH_PRIVATE_CLIENTS,
    posters: knobs.BENCH_POSTERS,
    batchMessages: knobs.BENCH_BATCH_MESSAGES,
    batchPosters: knobs.BENCH_BATCH_POSTERS,
    connections: knobs.BENCH_CONNECTIONS,
    idleMs: millisecondsOf(knobs.BENCH_IDLE_SECONDS),
    ratePerSecond: knobs.BENCH_RATE,
    latencySubscribers: knobs.BENCH_LATENCY_SUBSCRIBERS,
    kills: knobs.BENCH_KILLS,
    stormClients: knobs.BENCH_STORM_CLIENTS,
    sdkClients: knobs.BENCH_SDK_CLIENTS,
    peers: knobs.BENCH_PEERS,
    talkers: knobs.BENCH_TALKERS,
    curveRounds: knobs.BENCH_CURVE_ROUNDS,
    curveMs: knobs.BENCH_CURVE_MS,
    curveChannels: knobs.BENCH_CURVE_CHANNELS,
    curveConnections: knobs.BENCH_CURVE_CONNECTIONS,
    curveEdges: knobs.BENCH_CURVE_EDGES,
    picturesFolder: env['BENCH_PICTURES'] || null,
  };
}

/** What `--help` says of the variables. */
export function describeSettings(): string[] {
  return [
    ...describeKnobs(KNOBS),
    describeVariable('BENCH_RESULTS', 'folder of the results (loadtest/results)'),
    describeVariable('BENCH_NCHAN_MODULE', "Nchan's module for nginx (where Debian has it)"),
    describeVariable('BENCH_PICTURES', "folder of the curves' pictures (none are drawn)"),
    describeVariable('BENCH_API_FLAGS', 'flags of Node for our api, as --cpu-prof'),
    describeVariable('BENCH_EDGE_FLAGS', 'flags of Node for our edge, as --cpu-prof'),
  ];
}

function millisecondsOf(seconds: number): number {
  return Math.round(seconds * 1_000);
}
