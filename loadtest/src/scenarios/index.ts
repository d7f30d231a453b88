import { fanout, fanoutIcomet, fanoutSse } from './fanout.js';
import { latency } from './latency.js';
import { memory, memoryWires } from './memory.js';
import { post } from './post.js';
import { reconnectStorm } from './reconnect-storm.js';
import type { Scenario } from './scenario.js';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  fanout,
  fanoutSse,
  fanoutIcomet,
  post,
  memory,
  ...memoryWires,
  latency,
  reconnectStorm,
];
