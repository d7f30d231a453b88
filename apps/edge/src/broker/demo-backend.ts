import type { Body, PublishOutcome } from '@halley/shared/protocol';
import type { Publisher } from '@halley/shared/publish';
import { ALL_EDGES_CHANNEL, type CommandClient, sendControl } from '@halley/shared/redis';

/** Of the range that says: come back and resume. No code of ours, so that nobody takes it for one. */
const CUT_CLOSE = 4_299;

/** Does for the demo page what the backend of an application does by the API. */
export class RedisDemoBackend {
  readonly #redis: CommandClient;
  readonly #publisher: Publisher;

  constructor(redis: CommandClient, publisher: Publisher) {
    this.#redis = redis;
    this.#publisher = publisher;
  }

  sendPrivate(clientId: string, body: Body): Promise<PublishOutcome> {
    return this.#publisher.toClient(clientId, body);
  }

  async cut(clientId: string): Promise<void> {
    const message = { type: 'disconnect', clientId, close: CUT_CLOSE } as const;
    await sendControl(this.#redis, ALL_EDGES_CHANNEL, message);
  }
}
