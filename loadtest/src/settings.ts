/** The knobs of the bench: environment variables, each with a default, a unit and a range. */

interface Knob {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly about: string;
  /** Else an integer. */
  readonly isFraction?: true;
}

export const KNOBS = {
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
  // Twice what a client waits until it says something.
  BENCH_IDLE_SECONDS: {
    default: 50,
    min: 0.5,
    max: 300,
    about: 'idle: length of the measurement, seconds',
    isFraction: true,
  },
  BENCH_RATE: { default: 1_000, min: 1, max: 20_000, about: 'latency: messages a second' },
  BENCH_LATENCY_SUBSCRIBERS: { default: 100, min: 1, max: 15_000, about: 'latency: WebSockets' },
  BENCH_KILLS: { default: 20, min: 1, max: 100, about: 'failover: edges that are killed' },
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
} as const satisfies Record<string, Knob>;

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
  const problems: string[] = [];
  const read = (name: keyof typeof KNOBS): number => {
    const knob: Knob = KNOBS[name];
    const value = Number(env[name] || knob.default);
    const isKind = knob.isFraction === true || Number.isInteger(value);
    if (isKind && value >= knob.min && value <= knob.max) return value;
    const kind = knob.isFraction === true ? 'a number' : 'an integer';
    problems.push(`${name} must be ${kind} of ${knob.min} to ${knob.max}`);
    return knob.default;
  };
  const settings = {
    rounds: read('BENCH_ROUNDS'),
    measureMs: millisecondsOf(read('BENCH_SECONDS')),
    warmMs: millisecondsOf(read('BENCH_WARM_SECONDS')),
    subscribers: read('BENCH_SUBSCRIBERS'),
    burstMessages: read('BENCH_BURST_MESSAGES'),
    manySubscribers: read('BENCH_MANY_SUBSCRIBERS'),
    channels: read('BENCH_CHANNELS'),
    channelSubscribers: read('BENCH_CHANNEL_SUBSCRIBERS'),
    privateClients: read('BENCH_PRIVATE_CLIENTS'),
    posters: read('BENCH_POSTERS'),
    batchMessages: read('BENCH_BATCH_MESSAGES'),
    batchPosters: read('BENCH_BATCH_POSTERS'),
    connections: read('BENCH_CONNECTIONS'),
    idleMs: millisecondsOf(read('BENCH_IDLE_SECONDS')),
    ratePerSecond: read('BENCH_RATE'),
    latencySubscribers: read('BENCH_LATENCY_SUBSCRIBERS'),
    kills: read('BENCH_KILLS'),
    stormClients: read('BENCH_STORM_CLIENTS'),
    sdkClients: read('BENCH_SDK_CLIENTS'),
    peers: read('BENCH_PEERS'),
    talkers: read('BENCH_TALKERS'),
    curveRounds: read('BENCH_CURVE_ROUNDS'),
    curveMs: read('BENCH_CURVE_MS'),
    curveChannels: read('BENCH_CURVE_CHANNELS'),
    curveConnections: read('BENCH_CURVE_CONNECTIONS'),
    curveEdges: read('BENCH_CURVE_EDGES'),
    picturesFolder: env['BENCH_PICTURES'] || null,
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return settings;
}

function millisecondsOf(seconds: number): number {
  return Math.round(seconds * 1_000);
}
