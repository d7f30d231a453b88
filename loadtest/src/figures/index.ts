import { curves } from './curves.js';
import { failover } from './failover.js';
import type { Figure } from './figure.js';
import { reconnect } from './reconnect.js';
import { sdkSize } from './sdk-size.js';

/** Stands for all of them on the command line. */
export const CURVES = 'curves';
export const CURVE_NAMES = curves.map(({ name }) => name);

/** In the order in which they run. */
export const FIGURES: readonly Figure[] = [failover, reconnect, sdkSize, ...curves];
