import type { RawJson } from '@halley/shared/protocol';
import type { Channel } from './channel.js';
import type { Services } from './services.js';

/** Who takes part: a client, or a connection without a name. */
export interface Participant {
  readonly member: string;
  readonly info: RawJson | null;
}

interface Seat {
  readonly channel: Channel;
  readonly member: string;
  info: RawJson | null;
  /** Connections on this edge. */
  connections: number;
  /** What Redis is known to hold; null: unknown. */
  applied: number | null;
  /** The write under way; resolves to the number of members. */
  writing: Promise<number> | null;
}

const RETRY_MS = 1_000;

/** The members of channels as far as they are on this edge, and the same in Redis. */
export class Members {
  readonly #services: Services;
  readonly #seats = new Map<Channel, Map<string, Seat>>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** One more connection of a member in a channel. @returns the number of members */
  enter(channel: Channel, { member, info }: Participant): Promise<number> {
    const seats = this.#seats.get(channel) ?? new Map<string, Seat>();
    this.#seats.set(channel, seats);
    const seat = seats.get(member) ?? newSeat(channel, member);
    seats.set(member, seat);
    seat.info = info;
    seat.connections += 1;
    return this.#write(seat);
  }

  /** The number of members, asked by one of them. */
  count(channel: Channel, member: string): Promise<number> {
    const seat = this.#seats.get(channel)?.get(member) ?? newSeat(channel, member);
    return this.#write(seat);
  }

  /**
   * One connection fewer.
   * @param delayMs how long the others are not told, so that a page reload stays silent
   */
  leave(channel: Channel, member: string, delayMs: number): void {
    const seat = this.#seats.get(channel)?.get(member);
    if (seat === undefined) return;
    seat.connections -= 1;
    if (seat.connections > 0 || delayMs === 0) this.#settle(seat);
    else this.#services.clock.after(delayMs, () => this.#settle(seat));
  }

  /** What Redis holds of this edge may be gone or under another name. */
  reassert(): void {
    for (const seat of this.#all()) {
      seat.applied = null;
      this.#settle(seat);
    }
  }

  /** Leaves at once whatever still waits for its delay. Resolves when Redis knows. */
  async flush(): Promise<void> {
    await Promise.all([...this.#all()].map((seat) => this.#write(seat).catch(() => 0)));
  }

  #settle(seat: Seat): void {
    if (seat.applied === seat.connections && seat.writing === null) {
      this.#forget(seat);
      return;
    }
    this.#write(seat).catch((error: unknown) => {
      this.#services.counters.storeFailed('members', error);
      this.#services.clock.after(RETRY_MS, () => this.#settle(seat));
    });
  }

  /** One write in flight per seat, and another one while what is wanted has changed. */
  #write(seat: Seat): Promise<number> {
    seat.writing = (seat.writing ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => this.#apply(seat));
    const writing = seat.writing;
    const done = () => {
      if (seat.writing === writing) seat.writing = null;
      this.#forget(seat);
    };
    writing.then(done, done);
    return writing;
  }

  async #apply(seat: Seat): Promise<number> {
    const { channel, member, info, connections } = seat;
    seat.applied = null;
    const members = await this.#services.members.set({
      channel: channel.name,
      member,
      info,
      connections,
      others: (this.#seats.get(channel)?.size ?? 0) > 1,
      announce: channel.options.joinLeave,
    });
    seat.applied = connections;
    return members;
  }

  #forget(seat: Seat): void {
    if (seat.connections > 0 || seat.applied !== 0 || seat.writing !== null) return;
    const seats = this.#seats.get(seat.channel);
    if (seats?.get(seat.member) !== seat) return;
    seats.delete(seat.member);
    if (seats.size === 0) this.#seats.delete(seat.channel);
  }

  *#all(): Generator<Seat> {
    for (const seats of this.#seats.values()) yield* seats.values();
  }
}

function newSeat(channel: Channel, member: string): Seat {
  return { channel, member, info: null, connections: 0, applied: 0, writing: null };
}
