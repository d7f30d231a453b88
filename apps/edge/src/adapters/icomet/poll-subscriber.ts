import type { ErrorFrame } from '@halley/shared/protocol';
import type { HttpReply } from '../../core/ports/http.js';
import { answerProblem } from '../native-http/errors.js';
import { closeText, noopText, type ObjectText } from './encode.js';
import type { PollForm } from './poll-form.js';
import type { Site } from './site.js';
import { type Beginning, type Bytes, Subscriber } from './subscriber.js';
import type { PollWire } from './wires.js';

const decoder = new TextDecoder();

/** Objects of kept messages, which are answered together. */
interface Kept {
  readonly objects: string[];
  chars: number;
}

/** A subscriber of /poll: one answer, with what is kept or else with what comes next. */
export class PollSubscriber extends Subscriber {
  readonly fanoutWire: PollWire;
  readonly #form: PollForm;
  #kept: Kept | null = null;

  constructor(site: Site, reply: HttpReply, wire: PollWire, form: PollForm, beginning: Beginning) {
    super(site, reply, beginning);
    this.fanoutWire = wire;
    this.#form = form;
  }

  protected get lingerMs(): number {
    return this.site.pollPresenceMs;
  }

  /** What follows a long replay comes with the next poll. */
  override bufferedBytes(): number {
    return this.#kept?.chars ?? 0;
  }

  due(): void {
    this.#answer(noopText(this.room, this.takeNoop()));
  }

  /** The kept messages follow in this turn. */
  protected started(): void {
    this.site.deadlines.add(this);
  }

  override encodeItem(item: Parameters<Subscriber['encodeItem']>[0]): string {
    if (this.#kept === null) {
      this.#kept = { objects: [], chars: 0 };
      queueMicrotask(() => this.#answerKept());
    }
    return super.encodeItem(item);
  }

  protected take(objects: Bytes): void {
    const text = typeof objects === 'string' ? objects : decoder.decode(objects);
    if (this.#kept === null) {
      this.#form.live(this.reply, text);
      return;
    }
    this.#kept.objects.push(text);
    this.#kept.chars += text.length;
  }

  protected closed(): void {
    this.#answer(closeText(this.room));
  }

  protected refused(frame: ErrorFrame): void {
    answerProblem(this.reply, frame, this.#form.headers);
  }

  /** Its client asks again. */
  protected leave(): void {
    this.#form.leave(this.reply, noopText(this.room, this.takeNoop()));
  }

  #answerKept(): void {
    const kept = this.#kept?.objects ?? [];
    this.#kept = null;
    const objects = kept.filter((text) => text !== '');
    if (objects.length > 0) this.#form.kept(this.reply, objects.join(','));
  }

  #answer(object: ObjectText): void {
    this.#form.single(this.reply, object);
  }
}
