export * from './client.js';
export * from './control.js';
export * from './errors.js';
export * from './heartbeat.js';
export * from './keys.js';
export * from './log.js';
export * from './scripts.js';
export * from './subscriber.js';
