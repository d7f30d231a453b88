/** The knobs of the bench: environment variables, each with a default, a unit and a range. */

interface Knob {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly about: string;
}

export const KNOBS = {
  BENCH_ROUNDS: { default: 5, min: 1, max: 25, about: 'rounds; the median of them counts' },
  // The edge closes a socket that says nothing for a minute, and the load's sockets say nothing.
  BENCH_SECONDS: { default: 3, min: 1, max: 30, about: 'length of one measurement, seconds' },
  BENCH_WARM_SECONDS: { default: 1, min: 0, max: 10, about: 'load before a measurement, seconds' },
  BENCH_SUBSCRIBERS: { default: 1_000, min: 1, max: 15_000, about: 'fanout: WebSockets' },
  BENCH_POSTERS: { default: 64, min: 1, max: 1_000, about: 'post: HTTP connections' },
  BENCH_CONNECTIONS: { default: 10_000, min: 10, max: 15_000, about: 'memory: WebSockets' },
  BENCH_RATE: { default: 1_000, min: 1, max: 20_000, about: 'latency: messages a second' },
  BENCH_LATENCY_SUBSCRIBERS: { default: 100, min: 1, max: 15_000, about: 'latency: WebSockets' },
  BENCH_KILLS: { default: 20, min: 1, max: 100, about: 'failover: edges that are killed' },
  BENCH_STORM_CLIENTS: { default: 10_000, min: 1, max: 15_000, about: 'reconnect-storm: clients' },
  BENCH_SDK_CLIENTS: { default: 5_000, min: 3, max: 15_000, about: 'reconnect: SDK clients' },
} as const satisfies Record<string, Knob>;

export interface BenchSettings {
  readonly rounds: number;
  readonly measureMs: number;
  readonly warmMs: number;
  readonly subscribers: number;
  readonly posters: number;
  readonly connections: number;
  readonly ratePerSecond: number;
  readonly latencySubscribers: number;
  readonly kills: number;
  readonly stormClients: number;
  readonly sdkClients: number;
}

/** @throws Error that names every knob with a value outside its range */
export function loadBenchSettings(env: NodeJS.ProcessEnv): BenchSettings {
  const problems: string[] = [];
  const read = (name: keyof typeof KNOBS): number => {
    const knob = KNOBS[name];
    const value = Number(env[name] || knob.default);
    if (Number.isInteger(value) && value >= knob.min && value <= knob.max) return value;
    problems.push(`${name} must be an integer of ${knob.min} to ${knob.max}`);
    return knob.default;
  };
  const settings = {
    rounds: read('BENCH_ROUNDS'),
    measureMs: read('BENCH_SECONDS') * 1_000,
    warmMs: read('BENCH_WARM_SECONDS') * 1_000,
    subscribers: read('BENCH_SUBSCRIBERS'),
    posters: read('BENCH_POSTERS'),
    connections: read('BENCH_CONNECTIONS'),
    ratePerSecond: read('BENCH_RATE'),
    latencySubscribers: read('BENCH_LATENCY_SUBSCRIBERS'),
    kills: read('BENCH_KILLS'),
    stormClients: read('BENCH_STORM_CLIENTS'),
    sdkClients: read('BENCH_SDK_CLIENTS'),
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return settings;
}
