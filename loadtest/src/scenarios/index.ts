import { batch } from './batch.js';
import { burst } from './burst.js';
import { channels } from './channels.js';
import { connect } from './connect.js';
import { fanout, fanoutIcomet, fanoutMany, fanoutSse } from './fanout.js';
import { history } from './history.js';
import { idle } from './idle.js';
import { joinLeave } from './join-leave.js';
import { latency } from './latency.js';
import { memory, memoryWires } from './memory.js';
import { mixed } from './mixed.js';
import { post } from './post.js';
import { privately } from './private.js';
import { reconnectStorm } from './reconnect-storm.js';
import type { Scenario } from './scenario.js';

/** In the order in which they run; neighbours with the same stacks share them. */
export const SCENARIOS: readonly Scenario[] = [
  fanout,
  fanoutSse,
  fanoutIcomet,
  mixed,
  burst,
  fanoutMany,
  connect,
  channels,
  privately,
  latency,
  history,
  joinLeave,
  post,
  batch,
  memory,
  ...memoryWires,
  reconnectStorm,
  idle,
];
