export { CALM, type FleetLoad } from './load.js';
export type { PendingLimits } from './pending.js';
export * from './publisher.js';
