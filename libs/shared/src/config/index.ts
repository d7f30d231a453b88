export { QUEUE_DEFAULTS, type QueueLimits } from './config-file.js';
export { envExample } from './env-example.js';
export { isLoopback, type Origins } from './formats.js';
export { type LimitSettings, pendingLimitsOf, type Rate } from './limit-settings.js';
export { LIMIT_SETTINGS } from './limit-table.js';
export {
  CLIENT_NAMESPACE,
  NAMESPACE_DEFAULTS,
  type Namespace,
  Namespaces,
} from './namespaces.js';
export { EDGE_NODE_FLAGS } from './node-flags.js';
export {
  type AuthorizeSettings,
  type EdgeSettings,
  loadSettings,
  type Settings,
  SettingsError,
} from './settings.js';
export { DEVELOPMENT_API_KEY, DEVELOPMENT_TOKEN_SECRET, SETTINGS } from './table.js';
export type { TlsFiles } from './tls.js';
