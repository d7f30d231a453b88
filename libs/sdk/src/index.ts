/** The public face of `@halley/client`. */

export { HalleyError, type OwnCode } from './errors.js';
export { Halley, type HalleyEvents } from './halley.js';
export type { Authorize, HalleyOptions } from './options.js';
export type {
  MessageHandler,
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
} from './subscription.js';
export type { Timings } from './timings.js';
export * from './types.js';
export type { Presence } from './watch.js';
