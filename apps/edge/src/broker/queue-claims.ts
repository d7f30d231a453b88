import type { Position } from '@halley/shared/protocol';
import { type CommandClient, clientKeys, type Scripts } from '@halley/shared/redis';
import type { QueueClaims } from '../core/ports/claims.js';
import { asking } from './calls.js';

/** Claims by the acknowledgement of a queue, which one script raises and which is raised once. */
export class RedisQueueClaims implements QueueClaims {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #queueMs: number;

  constructor(redis: CommandClient, scripts: Scripts, queueMs: number) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#queueMs = queueMs;
  }

  async claim(clientId: string, position: Position): Promise<boolean> {
    const { acked, queueTop } = clientKeys(clientId);
    const raised = await asking(this.#redis, () =>
      this.#scripts.run('acked', [acked, queueTop], [position, 2 * this.#queueMs]),
    );
    return raised === 1;
  }
}
