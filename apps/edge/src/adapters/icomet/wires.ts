import type { Wire } from '../../core/ports/wire.js';
import type { StreamItem } from '../../core/tail.js';
import type { HandshakeOptions } from '../native/handshake.js';
import { channelOfItem } from '../native-http/encode.js';
import { messageOf, type ObjectText, objectsOf } from './encode.js';
import { type Framing, iframeFraming, sseFraming, streamFraming } from './framings.js';
import type { Room, Rooms } from './rooms.js';

/** Spells messages for all subscribers of one path at once. What else is to be said, each says itself. */
abstract class SharedWire implements Wire {
  abstract readonly name: string;
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  protected abstract put(objects: readonly ObjectText[]): string;

  encode(): string {
    return '';
  }

  encodeItem(item: StreamItem): string {
    const room = this.#rooms.get(channelOfItem(item) ?? '');
    return room === undefined ? '' : this.encodeFor(room, item);
  }

  encodeFor(room: Room, item: StreamItem): string {
    const message = messageOf(item, room);
    if (message === null) return '';
    room.advance(message.number + 1);
    return this.put(objectsOf(message, room));
  }

  encodeNative(): string {
    return '';
  }
}

/** A path on which objects follow each other in one answer. */
export class PushWire extends SharedWire {
  readonly framing: Framing;

  constructor(rooms: Rooms, framing: Framing) {
    super(rooms);
    this.framing = framing;
  }

  get name(): string {
    return this.framing.name;
  }

  put(objects: readonly ObjectText[]): string {
    return objects.map((object) => this.framing.frame(object)).join('');
  }
}

/** The path whose answers hold what there is, the objects as JSON joined by commas. */
export class PollWire extends SharedWire {
  readonly name = 'icomet-poll';

  protected put(objects: readonly ObjectText[]): string {
    return objects.join(',');
  }
}

export interface Wires {
  readonly stream: PushWire;
  readonly sse: PushWire;
  readonly iframe: PushWire;
  readonly poll: PollWire;
}

export function createWires(rooms: Rooms, origins: HandshakeOptions['origins']): Wires {
  return {
    stream: new PushWire(rooms, streamFraming),
    sse: new PushWire(rooms, sseFraming),
    iframe: new PushWire(rooms, iframeFraming(origins)),
    poll: new PollWire(rooms),
  };
}
