import type { LiveMessage } from '@halley/edge/dist/core/stream.js';
import { streamId } from '@halley/shared/protocol';
import { channelKeys, createSubscriberConnection, parseRedisUrl } from '@halley/shared/redis';
import { eventually } from '../kit/wait.js';

/** What a channel's subscribers are sent: a message, or the word that the history was cleared. */
export type Live = LiveMessage | 'clear';

const CLEAR = '- clear\n';

/** The sharded subscription of a model: hands on what the scripts really announce, in its order. */
export class LiveFeed {
  readonly #redis: ReturnType<typeof createSubscriberConnection>;
  #onLive: (live: Live) => void = () => undefined;

  constructor(url: string) {
    this.#redis = createSubscriberConnection(parseRedisUrl(url), null);
    this.#redis.on('smessageBuffer', (_channel: Buffer, payload: Buffer) => this.#take(payload));
  }

  async connect(): Promise<void> {
    await this.#redis.connect();
    await eventually(() => this.#redis.status === 'ready', 'the live feed is connected');
  }

  async follow(channel: string, onLive: (live: Live) => void): Promise<() => Promise<void>> {
    const { live } = channelKeys(channel);
    this.#onLive = onLive;
    await this.#redis.ssubscribe(live);
    return async () => void (await this.#redis.sunsubscribe(live));
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** `<prev> <id>\n<frame>` */
  #take(payload: Buffer): void {
    const text = payload.toString();
    if (text === CLEAR) {
      this.#onLive('clear');
    } else {
      const end = text.indexOf('\n');
      const [prev = '', id = ''] = text.slice(0, end).split(' ');
      if (streamId(id) === id) throw new Error(`not a live message: ${text}`);
      this.#onLive({ prev, id, frame: payload.subarray(end + 1) });
    }
  }
}
