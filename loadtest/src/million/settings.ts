/** The knobs of the million: environment variables, each with a default, a unit and a range. */

import { CROWD_WIRES, type CrowdWire } from '../harness/native-crowd.js';
import { describeKnobs, describeVariable, readKnobs } from '../knobs.js';

export const KNOBS = {
  MILLION_CONNECTIONS: { default: 1_000_000, min: 2, max: 10_000_000, about: 'connections' },
  MILLION_PER_EDGE: {
    default: 19_000,
    min: 1,
    max: 1_000_000,
    about: 'connections of one edge and of one client process: below the files of a process',
  },
  MILLION_AT_ONCE: { default: 4, min: 1, max: 64, about: 'edges that are filled at once' },
  MILLION_OPENING: {
    default: 100,
    min: 1,
    // Half of what an edge's accept queue takes.
    max: 256,
    about: 'connections to one edge that are being opened at once',
  },
  MILLION_HOLD_SECONDS: { default: 30, min: 1, max: 3_600, about: 'CPU at rest: length, seconds' },
  MILLION_SETTLE_SECONDS: { default: 15, min: 0, max: 600, about: 'rest before that, seconds' },
  MILLION_BROADCASTS: { default: 3, min: 1, max: 100, about: 'messages to all' },
  MILLION_PRIVATE: { default: 10_000, min: 1, max: 1_000_000, about: 'private messages' },
  MILLION_RECONNECTS: { default: 100_000, min: 1, max: 10_000_000, about: 'reconnects' },
  MILLION_ROUND_SECONDS: {
    default: 5,
    min: 1,
    max: 600,
    about: 'reconnects, drain: from one message to all to the next, at least, seconds',
  },
  MILLION_DRAIN_SECONDS: { default: 60, min: 1, max: 600, about: 'HALLEY_DRAIN_SECONDS' },
  MILLION_PING_SECONDS: { default: 25, min: 1, max: 300, about: 'HALLEY_PING_INTERVAL_MS / 1000' },
  MILLION_MIN_AVAILABLE_MIB: {
    default: 1_024,
    min: 0,
    max: 100_000_000,
    about: 'the ramp stops when less memory is available, MiB',
  },
  MILLION_DEADLINE_MINUTES: { default: 40, min: 1, max: 600, about: 'the run ends after, minutes' },
} as const;

export interface MillionSettings {
  readonly wire: CrowdWire;
  readonly connections: number;
  readonly perEdge: number;
  readonly atOnce: number;
  readonly opening: number;
  readonly holdMs: number;
  readonly settleMs: number;
  readonly broadcasts: number;
  readonly privates: number;
  readonly reconnects: number;
  readonly roundMs: number;
  readonly drainSeconds: number;
  readonly pingMs: number;
  readonly minAvailableBytes: number;
  readonly deadlineMs: number;
  /** Folder of the report; undefined: loadtest/results. */
  readonly results: string | undefined;
}

/** @throws Error that names every knob with a value outside its range */
export function loadMillionSettings(env: NodeJS.ProcessEnv): MillionSettings {
  const knobs = readKnobs(KNOBS, env);
  return {
    wire: wireOf(env['MILLION_WIRE'] || 'ws'),
    connections: knobs.MILLION_CONNECTIONS,
    perEdge: knobs.MILLION_PER_EDGE,
    atOnce: knobs.MILLION_AT_ONCE,
    opening: knobs.MILLION_OPENING,
    holdMs: knobs.MILLION_HOLD_SECONDS * 1_000,
    settleMs: knobs.MILLION_SETTLE_SECONDS * 1_000,
    broadcasts: knobs.MILLION_BROADCASTS,
    privates: knobs.MILLION_PRIVATE,
    reconnects: knobs.MILLION_RECONNECTS,
    roundMs: knobs.MILLION_ROUND_SECONDS * 1_000,
    drainSeconds: knobs.MILLION_DRAIN_SECONDS,
    pingMs: knobs.MILLION_PING_SECONDS * 1_000,
    minAvailableBytes: knobs.MILLION_MIN_AVAILABLE_MIB * 1_048_576,
    deadlineMs: knobs.MILLION_DEADLINE_MINUTES * 60_000,
    results: env['MILLION_RESULTS'] || undefined,
  };
}

function wireOf(name: string): CrowdWire {
  const wire = CROWD_WIRES.find((one) => one === name);
  if (wire === undefined) throw new Error(`MILLION_WIRE must be one of ${CROWD_WIRES.join(', ')}`);
  return wire;
}

export function usage(): string {
  return [
    'npm run million',
    ...describeKnobs(KNOBS),
    describeVariable('MILLION_WIRE', `${CROWD_WIRES.join(', ')} (ws)`),
    describeVariable('BENCH_EDGE_FLAGS', 'further flags of Node for the edges ()'),
    describeVariable('MILLION_RESULTS', 'folder of the report (loadtest/results)'),
  ].join('\n');
}
