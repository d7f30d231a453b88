/**
 * Halley's REST API for backends in Node, Deno and Bun.
 *
 * ```ts
 * const halley = new HalleyServer({ url: 'http://127.0.0.1:8000', key: 'dev-key' });
 * await halley.publish('demo:hello', { text: 'hi' });
 * ```
 */

export type { Code } from './api-types.js';
export type { CallOptions } from './caller.js';
export { HalleyError, type HalleyErrorCode } from './error.js';
export type { HalleyServerOptions } from './options.js';
export { HalleyServer } from './server.js';
export type * from './types.js';
