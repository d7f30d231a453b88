import { icometName } from '@halley/shared/protocol';

/** A channel as the subscribers of this door see it. */
export class Room {
  readonly channel: string;
  /** Its name as a JSON string. */
  readonly cname: string;
  subscribers = 0;
  /** Number that the next message will have, as far as this edge has seen. */
  next = 1;

  constructor(channel: string) {
    this.channel = channel;
    this.cname = JSON.stringify(icometName(channel));
  }

  /** A message was seen, or a number was read: whatever is newer. */
  advance(next: number): void {
    if (next > this.next) this.next = next;
  }
}

export interface RoomLimits {
  readonly maxChannels: number;
  readonly maxSubscribersPerChannel: number;
}

/** The channels that subscribers of this door hold on this edge. */
export class Rooms {
  readonly #rooms = new Map<string, Room>();
  readonly #limits: RoomLimits;

  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  get(channel: string): Room | undefined {
    return this.#rooms.get(channel);
  }

  channels(): string[] {
    return [...this.#rooms.keys()];
  }

  /** Takes one more subscriber. @returns why it cannot, in iComet's words */
  enter(channel: string): Room | string {
    const { maxChannels, maxSubscribersPerChannel } = this.#limits;
    const present = this.#rooms.get(channel);
    if (present === undefined && this.#rooms.size >= maxChannels) return 'Too many channels';
    const room = present ?? new Room(channel);
    if (room.subscribers >= maxSubscribersPerChannel) return 'Too many subscribers';
    this.#rooms.set(channel, room);
    room.subscribers += 1;
    return room;
  }

  leave(room: Room): void {
    room.subscribers -= 1;
    if (room.subscribers === 0) this.#rooms.delete(room.channel);
  }
}
