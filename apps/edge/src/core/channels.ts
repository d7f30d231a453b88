import { type Position, RefusedError, refusal, retryLater } from '@halley/shared/protocol';
import { Channel } from './channel.js';
import type { Services } from './services.js';
import type { LiveMessage } from './stream.js';

const HOUSEKEEPING_MS = 1_000;
/** Share of the channels' limit from which empty ones do not linger. */
const CROWDED_SHARE = 0.9;

/** The channels that this edge is subscribed to in Redis: from the first listener to some time after the last. */
export class Channels {
  readonly #services: Services;
  readonly #channels = new Map<string, Channel>();

  constructor(services: Services) {
    this.#services = services;
  }

  get size(): number {
    return this.#channels.size;
  }

  get(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  values(): IterableIterator<Channel> {
    return this.#channels.values();
  }

  /** Counts one more listener. @throws RefusedError if Redis cannot be asked */
  async hold(name: string): Promise<Channel> {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      if (this.#channels.size >= this.#services.limits.channels) {
        throw new RefusedError(
          retryLater(refusal('edge-full', 'this edge holds too many channels')),
        );
      }
      channel = new Channel(name, this.#services.namespaces.of(name), this.#services);
      this.#channels.set(name, channel);
    }
    channel.listeners += 1;
    try {
      await channel.ready();
    } catch (error) {
      channel.listeners -= 1;
      if (this.#channels.get(name) === channel) this.#channels.delete(name);
      throw error;
    }
    // Another listener's attempt may have failed, and taken the channel away, while this one waited.
    if (this.#channels.get(name) !== channel) throw new RefusedError(refusal('unavailable'));
    return channel;
  }

  /** @param lingerMs how long the channel counts as occupied, even if this was its last listener */
  release(channel: Channel, lingerMs = 0): void {
    channel.listeners -= 1;
    const nowMs = this.#services.clock.now();
    if (channel.listeners === 0) channel.idleSinceMs = nowMs;
    if (lingerMs > 0) channel.occupiedUntilMs = nowMs + lingerMs;
  }

  onLive(name: string, message: LiveMessage): void {
    this.#channels.get(name)?.onLive(message);
  }

  /** Looks after lingering channels, tails and what Redis knows of listeners, once a second. */
  startHousekeeping(): () => void {
    const timer = setInterval(() => this.#keepHouse(), HOUSEKEEPING_MS).unref();
    return () => clearInterval(timer);
  }

  /** After messages may have been missed. */
  repair(tops: ReadonlyMap<string, Position | null>): void {
    for (const [name, top] of tops) this.#channels.get(name)?.repair(top);
  }

  /** What Redis knows of this edge's listeners may be gone: it is said again. */
  reassert(isMeant: (channel: string) => boolean = () => true): void {
    for (const channel of this.#channels.values()) {
      if (isMeant(channel.name)) channel.reportedListeners = null;
    }
  }

  /** Tells Redis that nobody listens here any more. @throws where it may not know */
  async closeAll(): Promise<void> {
    const open = [...this.#channels.values()].filter((channel) => channel.reportedListeners !== 0);
    await Promise.all(open.map((channel) => this.#report(channel, 0)));
    const left = open.filter((channel) => channel.reportedListeners !== 0).length;
    if (left > 0) throw new Error(`Redis may still hold listeners of ${left} channels`);
  }

  #keepHouse(): void {
    const nowMs = this.#services.clock.now();
    for (const channel of this.#channels.values()) {
      channel.settle(nowMs);
      const isDue = channel.listeners > 0 || nowMs >= channel.occupiedUntilMs;
      const isDifferent = channel.reportedListeners !== channel.listeners;
      if (channel.isOpen && isDue && isDifferent && channel.reporting === null) {
        void this.#report(channel, channel.listeners);
      }
      if (channel.listeners === 0 && channel.isOpen) this.#closeIfIdle(channel, nowMs);
    }
  }

  /** What nobody listens to has to make room. */
  get #isCrowded(): boolean {
    return this.#channels.size >= CROWDED_SHARE * this.#services.limits.channels;
  }

  #closeIfIdle(channel: Channel, nowMs: number): void {
    const lingerMs = this.#isCrowded ? 0 : this.#services.limits.channelLingerMs;
    if (nowMs - channel.idleSinceMs < lingerMs) return;
    if (channel.reportedListeners !== 0) return;
    this.#channels.delete(channel.name);
    this.#services.channels.close(channel.name);
  }

  /** One report of a channel at a time: an older count must not land after a newer one. */
  #report(channel: Channel, listeners: number): Promise<void> {
    const before = channel.reporting ?? Promise.resolve();
    const reporting = before
      .then(() => this.#send(channel, listeners))
      .then(() => {
        if (channel.reporting === reporting) channel.reporting = null;
      });
    channel.reporting = reporting;
    return reporting;
  }

  async #send(channel: Channel, listeners: number): Promise<void> {
    try {
      await this.#services.channels.report(channel.name, listeners);
      channel.reportedListeners = listeners;
    } catch (error) {
      this.#services.counters.storeFailed('listeners', error);
    }
  }
}
