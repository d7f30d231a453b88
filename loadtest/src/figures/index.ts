import { failover } from './failover.js';
import type { Figure } from './figure.js';
import { reconnect } from './reconnect.js';
import { sdkSize } from './sdk-size.js';

/** In the order in which they run. */
export const FIGURES: readonly Figure[] = [failover, reconnect, sdkSize];
