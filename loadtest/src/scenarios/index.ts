import { batch } from './batch.js';
import { burst } from './burst.js';
import { channels } from './channels.js';
import { connect } from './connect.js';
import { fanout, fanoutIcomet, fanoutMany, fanoutSse } from './fanout.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { memory, memoryWires } from './memory.js';
import { post } from './post.js';
import { privately } from './private.js';
import type { Scenario } from './scenario.js';

/** In the order in which they run; neighbours with the same stacks share them. */
export const SCENARIOS: readonly Scenario[] = [
  fanout,
  fanoutSse,
  fanoutIcomet,
  burst,
  fanoutMany,
  connect,
  channels,
  privately,
  latency,
  post,
  batch,
  memory,
  ...memoryWires,
  idle,
];
