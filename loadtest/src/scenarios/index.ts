import { fanout, fanoutIcomet, fanoutSse } from './fanout.js';
import { history } from './history.js';
import { joinLeave } from './join-leave.js';
import { latency } from './latency.js';
import { memory, memoryWires } from './memory.js';
import { mixed } from './mixed.js';
import { post } from './post.js';
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
  mixed,
  history,
  joinLeave,
];
