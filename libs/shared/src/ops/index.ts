export * from './id.js';
export * from './lifecycle.js';
export * from './logger.js';
export * from './loop-delay.js';
export * from './metrics.js';
export * from './networks.js';
export * from './secrets.js';
export * from './version.js';
