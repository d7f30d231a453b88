import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { Fanout, Follower } from './ports/connection.js';
import type { Wire } from './ports/wire.js';
import type { StreamItem } from './tail.js';

type Bytes = string | Uint8Array;

const encoder = new TextEncoder();

/** Fan-out to those who are no sockets of a topic. A message is encoded once per wire, not per follower. */
export class Followers implements Fanout {
  /** Most topics have one follower, which needs no set. */
  readonly #byTopic = new Map<string, Follower | Set<Follower>>();

  follow(topic: string, follower: Follower): void {
    const present = this.#byTopic.get(topic);
    if (present === undefined) this.#byTopic.set(topic, follower);
    else if (present instanceof Set) present.add(follower);
    else if (present !== follower) this.#byTopic.set(topic, new Set([present, follower]));
  }

  unfollow(topic: string, follower: Follower): void {
    const present = this.#byTopic.get(topic);
    if (present === follower) this.#byTopic.delete(topic);
    if (!(present instanceof Set) || !present.delete(follower)) return;
    if (present.size === 0) this.#byTopic.delete(topic);
  }

  publish(topic: string, item: StreamItem): void {
    this.#deliver(topic, item.id, (wire) => wire.encodeItem(item));
  }

  tell(topic: string, frame: ServerFrame): void {
    const position = frame.type === 'gap' ? frame.position : null;
    this.#deliver(topic, position, (wire) => wire.encode(frame));
  }

  relay(topic: string, frame: Uint8Array): void {
    this.#deliver(topic, null, (wire) => wire.encodeNative(frame));
  }

  #deliver(topic: string, position: Position | null, encode: (wire: Wire) => Bytes): void {
    const present = this.#byTopic.get(topic);
    if (present === undefined) return;
    if (!(present instanceof Set)) {
      present.deliver(topic, encode(present.fanoutWire), position);
      return;
    }
    const encoded = new Map<Wire, Bytes>();
    let wire: Wire | null = null;
    let bytes: Bytes = '';
    // Of those who come or go meanwhile none is served twice: a set is walked as it is.
    for (const follower of present) {
      if (follower.fanoutWire !== wire) {
        wire = follower.fanoutWire;
        bytes = encoded.get(wire) ?? bytesOf(encode(wire));
        encoded.set(wire, bytes);
      }
      follower.deliver(topic, bytes, position);
    }
  }
}

/** Of many followers each would turn the text into bytes again. */
function bytesOf(encoded: Bytes): Bytes {
  return typeof encoded === 'string' && encoded !== '' ? encoder.encode(encoded) : encoded;
}

/** Several fan-outs as one. */
export class JoinedFanout implements Fanout {
  readonly #fanouts: readonly Fanout[];

  constructor(fanouts: readonly Fanout[]) {
    this.#fanouts = fanouts;
  }

  publish(topic: string, item: StreamItem): void {
    for (const fanout of this.#fanouts) fanout.publish(topic, item);
  }

  tell(topic: string, frame: ServerFrame): void {
    for (const fanout of this.#fanouts) fanout.tell(topic, frame);
  }

  relay(topic: string, frame: Uint8Array): void {
    for (const fanout of this.#fanouts) fanout.relay(topic, frame);
  }
}
