import type { ErrorFrame } from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import { answerProblem } from '../native-http/errors.js';
import { closeText, noopText, type ObjectText } from './encode.js';
import type { Site } from './site.js';
import { type Beginning, type Bytes, Subscriber } from './subscriber.js';
import type { PushWire } from './wires.js';

/** What is needed until the answer has begun. */
export interface Opening {
  readonly headers: Headers;
  /** Sent first; null: nothing is. */
  readonly object: ObjectText | null;
}

/** A subscriber of /stream, /iframe or /sse: objects in one answer without end. */
export class PushSubscriber extends Subscriber {
  readonly fanoutWire: PushWire;
  #opening: Opening | null;

  constructor(
    site: Site,
    reply: HttpReply,
    wire: PushWire,
    beginning: Beginning,
    opening: Opening,
  ) {
    super(site, reply, beginning);
    this.fanoutWire = wire;
    this.#opening = opening;
  }

  protected get lingerMs(): number {
    return 0;
  }

  due(): void {
    this.#say(noopText(this.room, this.takeNoop()));
  }

  protected started(): void {
    if (this.#opening === null) return;
    const { headers, object } = this.#opening;
    this.#opening = null;
    const { headers: typeHeaders, preamble } = this.fanoutWire.framing;
    this.reply.begin('200 OK', [...typeHeaders, ...headers]);
    this.take(preamble + (object === null ? '' : this.fanoutWire.put([object])));
    this.site.deadlines.add(this);
  }

  protected take(objects: Bytes): void {
    this.dueAtMs = this.nextDueAtMs();
    this.reply.write(objects);
  }

  protected closed(): void {
    this.#say(closeText(this.room));
    this.reply.end();
  }

  protected refused(frame: ErrorFrame): void {
    if (this.#opening === null) this.reply.close();
    else answerProblem(this.reply, frame, this.#opening.headers);
  }

  /** On a new connection its client finds an edge that stays. */
  protected leave(): void {
    this.reply.end(true);
  }

  #say(object: ObjectText): void {
    this.take(this.fanoutWire.put([object]));
  }
}
