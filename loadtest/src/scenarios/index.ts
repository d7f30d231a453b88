import { fanout } from './fanout.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { post } from './post.js';
import type { Scenario } from './scenario.js';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [fanout, post, memory, latency];
