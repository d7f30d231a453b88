import type { RawJson } from '@halley/shared/protocol';
import type { Channel } from './channel.js';
import { Departed } from './departed.js';
import { Paced } from './paced.js';
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
  /** What Redis was last asked to hold. */
  asked: number;
  /** What Redis is known to hold; null: unknown. */
  applied: number | null;
  /** The write under way; resolves to the number of members. */
  writing: Promise<number> | null;
}

/** The members of one channel on this edge. */
interface Room {
  readonly seats: Map<string, Seat>;
  /** Seats that Redis was last asked to hold. */
  held: number;
}

const RETRY_MS = 1_000;

/** The members of channels as far as they are on this edge, and the same in Redis. */
export class Members {
  readonly #services: Services;
  /** By the name of the channel. */
  readonly #rooms = new Map<string, Room>();
  readonly #departed = new Departed<Seat>();
  readonly #reasserted: Paced<Seat>;

  constructor(services: Services) {
    this.#services = services;
    this.#reasserted = new Paced(services.clock, (seat) => this.#settleOnce(seat));
  }

  /** One more connection of a member in a channel. @returns the number of members */
  enter(channel: Channel, { member, info }: Participant): Promise<number> {
    const room = this.#rooms.get(channel.name) ?? { seats: new Map<string, Seat>(), held: 0 };
    this.#rooms.set(channel.name, room);
    const seat = room.seats.get(member) ?? newSeat(channel, member);
    room.seats.set(member, seat);
    seat.info = info;
    seat.connections += 1;
    return this.#write(seat);
  }

  /** The number of members, asked by one of them. */
  count(channel: Channel, member: string): Promise<number> {
    const seat = this.#seatOf(channel, member) ?? newSeat(channel, member);
    return this.#write(seat);
  }

  /**
   * One connection fewer.
   * @param delayMs how long the others are not told, so that a page reload stays silent
   */
  leave(channel: Channel, member: string, delayMs: number): void {
    const seat = this.#seatOf(channel, member);
    if (seat === undefined) return;
    seat.connections -= 1;
    if (seat.connections > 0 || delayMs === 0) this.#settle(seat);
    else this.#services.clock.after(delayMs, () => this.#settle(seat));
  }

  /** What Redis holds of this edge may be gone or under another name, and who left may be back. */
  reassert(isMeant: (channel: string) => boolean = () => true): void {
    const seats = [...this.#all(), ...this.#departed.lately(this.#services.clock.now())];
    const meant = seats.filter(({ channel }) => isMeant(channel.name));
    for (const seat of meant) seat.applied = null;
    this.#reasserted.add(meant);
  }

  /** Leaves at once whatever still waits for its delay. Resolves when Redis knows. @throws if it may not */
  async flush(): Promise<void> {
    await Promise.all([...this.#all()].map((seat) => this.#write(seat)));
  }

  #settle(seat: Seat): void {
    const settleAgain = () => this.#services.clock.after(RETRY_MS, () => this.#settle(seat));
    this.#settleOnce(seat).catch(settleAgain);
  }

  /** @throws where Redis may not know what is wanted */
  async #settleOnce(seat: Seat): Promise<void> {
    if (this.#isTakenAnew(seat)) return;
    if (seat.applied === seat.connections && seat.writing === null) {
      this.#forget(seat);
      return;
    }
    try {
      await this.#write(seat);
    } catch (error) {
      this.#services.counters.storeFailed('members', error);
      throw error;
    }
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
    const others = this.#ask(seat);
    const members = await this.#services.members.set({
      channel: channel.name,
      member,
      info,
      connections,
      others,
      announce: channel.options.joinLeave,
    });
    seat.applied = connections;
    return members;
  }

  /**
   * Notes what Redis is asked to hold now. @returns whether it was asked to hold others of this edge in
   * the channel: of several who leave at once the last one has to say that there are none.
   */
  #ask(seat: Seat): boolean {
    const before = Math.sign(seat.asked);
    const now = Math.sign(seat.connections);
    seat.asked = seat.connections;
    const room = this.#rooms.get(seat.channel.name);
    if (room === undefined) return false;
    room.held += now - before;
    return room.held > now;
  }

  #forget(seat: Seat): void {
    if (seat.connections > 0 || seat.applied !== 0 || seat.writing !== null) return;
    if (this.#seatOf(seat.channel, seat.member) !== seat) return;
    const room = this.#rooms.get(seat.channel.name);
    room?.seats.delete(seat.member);
    if (room?.seats.size === 0) this.#rooms.delete(seat.channel.name);
    this.#departed.note(seat, this.#services.clock.now());
  }

  /** One that has left, and somebody of the name sits there again. */
  #isTakenAnew(seat: Seat): boolean {
    const current = this.#seatOf(seat.channel, seat.member);
    return current !== undefined && current !== seat;
  }

  #seatOf(channel: Channel, member: string): Seat | undefined {
    return this.#rooms.get(channel.name)?.seats.get(member);
  }

  *#all(): Generator<Seat> {
    for (const { seats } of this.#rooms.values()) yield* seats.values();
  }
}

function newSeat(channel: Channel, member: string): Seat {
  return { channel, member, info: null, connections: 0, asked: 0, applied: 0, writing: null };
}
