import type { LiveMessage } from '@halley/edge/dist/core/stream.js';
import { type Position, streamId } from '@halley/shared/protocol';
import { channelKeys, createSubscriberConnection, parseRedisUrl } from '@halley/shared/redis';
import { eventually, within } from '../kit/wait.js';

/** What a channel's subscribers are sent: a message, or the word that the history was cleared. */
export type Live = LiveMessage | 'clear';

const CLEAR = '- clear\n';

/** The sharded subscription of a model: hands on what the scripts really announce, in its order. */
export class LiveFeed {
  readonly #redis: ReturnType<typeof createSubscriberConnection>;
  #onLive: (live: Live) => void = () => undefined;
  #lastId: Position | null = null;
  #clears = 0;
  #wake: () => void = () => undefined;

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

  /** Resolves when this message has come. */
  async seen(id: Position): Promise<void> {
    await this.#until(() => this.#lastId === id, `${id} is announced`);
  }

  /** Resolves when `act` has led to the word that the history was cleared. */
  async cleared(act: () => Promise<unknown>): Promise<void> {
    const clears = this.#clears;
    await act();
    await this.#until(() => this.#clears > clears, 'the clearing is announced');
  }

  close(): void {
    this.#redis.disconnect();
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    while (!isSo()) {
      await within(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        what,
      );
    }
  }

  /** `<prev> <id>\n<frame>` */
  #take(payload: Buffer): void {
    const text = payload.toString();
    if (text === CLEAR) {
      this.#clears += 1;
      this.#onLive('clear');
    } else {
      const end = text.indexOf('\n');
      const [prev = '', id = ''] = text.slice(0, end).split(' ');
      if (streamId(id) === id) throw new Error(`not a live message: ${text}`);
      this.#lastId = id;
      this.#onLive({ prev, id, frame: payload.subarray(end + 1) });
    }
    this.#wake();
  }
}
