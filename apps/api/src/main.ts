/** The api process: settings from the environment, ready or fatal to the parent, SIGTERM to stop. */

import { loadSettings } from '@halley/shared/config';
import { createLogger, exit, onSignals, reportFatal, reportReady } from '@halley/shared/ops';
import { ApiApp } from './app.js';

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  const log = createLogger({ level: settings.logLevel, name: 'api' });
  for (const warning of settings.warnings) log.warn(warning);
  if (settings.redisUrl === undefined) throw new Error('REDIS_URL is not set');
  const app = new ApiApp(settings, settings.redisUrl, log);
  // Before the start: one that waits for Redis must end with its parent, too.
  onSignals((reason) => {
    log.info({ reason }, 'stopping');
    void app.stop().finally(() => exit(0));
  });
  const port = await app.start();
  log.info({ host: settings.host, port }, 'serving');
  reportReady({ port });
}

main().catch((error: unknown) => {
  reportFatal(`api: ${error instanceof Error ? error.message : String(error)}`);
});
