/** What the routes work with. */

import type { Settings } from '@halley/shared/config';
import type { Logger, Metrics } from '@halley/shared/ops';
import type { Publisher } from '@halley/shared/publish';
import type { CommandClient, Scripts } from '@halley/shared/redis';
import type { EdgeControl } from './edge-control.js';

export interface Services {
  readonly settings: Settings;
  readonly redis: CommandClient;
  readonly scripts: Scripts;
  readonly publisher: Publisher;
  readonly edges: EdgeControl;
  readonly metrics: Metrics;
  readonly log: Logger;
}
