import type { Settings } from './options.js';
import type { Env } from './transports/transport.js';

/** What this platform gives, and what the application gave in its place. */
export function envOf(settings: Settings): Env {
  const platform = globalThis as Partial<typeof globalThis>;
  return {
    WebSocket: (settings.WebSocket ?? platform.WebSocket) as Env['WebSocket'],
    EventSource: platform.EventSource,
    // Called without its owner, as a plain function.
    fetch: platform.fetch?.bind(platform),
    document: platform.document,
  };
}
