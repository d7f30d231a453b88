/** /psub: says of each channel when it gets its first subscriber and when it loses its last. */

import type { Namespaces } from '@halley/shared/config';
import type { Logger } from '@halley/shared/ops';
import { RefusedError } from '@halley/shared/protocol';
import { type RedisAddress, storeRefusal } from '@halley/shared/redis';
import type { Services } from '../../control/services.js';
import type { PlainAnswer, PlainReply, PlainStream } from '../../http/plain.js';
import { emptyAnswer, headersOf } from './answers.js';
import { PSUB_WAITING_MAX_BYTES } from './limits.js';
import { livePages } from './live-channels.js';
import { type FeedSource, OccupancyFeed } from './occupancy-feed.js';
import { PresenceReaders } from './presence-readers.js';

const HEADERS = headersOf('text/plain; charset=utf-8');
/** With it the head goes out: whoever waits for that knows that it is connected. */
const PREAMBLE = '\n';
const TOO_MANY = emptyAnswer('429 Too Many Requests');

export class PresenceStream {
  readonly #source: FeedSource;
  readonly #namespaces: Namespaces;
  readonly #repeatMs: number;
  readonly #log: Logger;
  readonly #readers = new PresenceReaders();
  /** Opened for the first reader, closed after the last. */
  #feed: Promise<OccupancyFeed> | null = null;
  /** Readers that wait for the feed. */
  #arriving = 0;
  #repeat: NodeJS.Timeout | undefined;
  #isListing = false;
  #isListingDue = false;
  /** Channels that have changed since the page was asked for that is being read: the page is older. */
  readonly #changed = new Set<string>();
  #isStopped = false;

  constructor({ settings, redis, scripts, log }: Services, address: RedisAddress) {
    this.#source = { address, redis, scripts, timeoutMs: settings.redis.timeoutMs };
    this.#namespaces = settings.namespaces;
    this.#repeatMs = settings.icomet.channelTimeoutSeconds * 1_000;
    this.#log = log;
  }

  /** @returns null: the answer goes on. @throws RefusedError */
  async serve(reply: PlainReply): Promise<PlainAnswer | null> {
    if (this.#isStopped) throw new RefusedError(storeRefusal('unavailable'));
    if (this.#readers.isFull) return TOO_MANY;
    this.#arriving += 1;
    try {
      await this.#listen();
      if (this.#isStopped) throw new RefusedError(storeRefusal('unavailable'));
      if (this.#readers.isFull) return TOO_MANY;
      this.#begin(reply);
      return null;
    } finally {
      this.#arriving -= 1;
      this.#closeUnused();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#readers.endAll();
    this.#closeUnused();
  }

  #begin(reply: PlainReply): void {
    let stream: PlainStream | null = null;
    stream = reply.stream({
      status: '200 OK',
      headers: HEADERS,
      preamble: PREAMBLE,
      waitingMaxBytes: PSUB_WAITING_MAX_BYTES,
      over: () => {
        if (stream !== null) this.#readers.delete(stream);
        this.#closeUnused();
      },
    });
    if (stream !== null) this.#readers.add(stream);
  }

  async #listen(): Promise<void> {
    if (this.#feed === null) {
      this.#feed = OccupancyFeed.open(this.#source, {
        changed: (channel, isOccupied) => this.#tell(channel, isOccupied),
        restored: () => void this.#listLiving(),
      });
      this.#repeat = setInterval(() => void this.#listLiving(), this.#repeatMs);
    }
    const feed = this.#feed;
    try {
      await feed;
    } catch (error) {
      // The next reader tries anew.
      if (this.#feed === feed) this.#forgetFeed();
      throw error;
    }
  }

  #closeUnused(): void {
    const feed = this.#feed;
    if (feed === null || !this.#readers.isEmpty || this.#arriving > 0) return;
    this.#forgetFeed();
    feed.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  #forgetFeed(): void {
    clearInterval(this.#repeat);
    this.#feed = null;
  }

  #tell(channel: string, isOccupied: boolean): void {
    if (!this.#namespaces.of(channel).icomet) return;
    if (this.#isListing) this.#changed.add(channel);
    this.#readers.say(channel, isOccupied);
  }

  /** Says all living channels again; asked for meanwhile, once more after that. */
  async #listLiving(): Promise<void> {
    this.#isListingDue = true;
    if (this.#isListing) return;
    this.#isListing = true;
    try {
      while (this.#isListingDue && this.#feed !== null) {
        this.#isListingDue = false;
        await this.#listOnce();
      }
    } catch (error) {
      this.#log.debug({ err: error }, 'the living channels could not be read');
    } finally {
      this.#isListing = false;
      this.#changed.clear();
    }
  }

  async #listOnce(): Promise<void> {
    this.#changed.clear();
    for await (const page of livePages(this.#source.redis, this.#namespaces)) {
      for (const channel of page) if (!this.#changed.has(channel)) this.#readers.say(channel, true);
      await this.#readers.caughtUp();
      // The next page is asked for after this.
      this.#changed.clear();
      if (this.#feed === null) return;
    }
  }
}
