import { isEmptyPosition, type Position, type ServerFrame } from '@halley/shared/protocol';
import type { HttpReply } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import type { StreamItem } from '../../core/tail.js';
import type { PushWire } from './encode.js';
import type { Progress } from './progress.js';
import { PushConnection } from './push-connection.js';
import type { Site } from './site.js';

type Bytes = string | Uint8Array;

/**
 * A pushing connection that has to say how far it has come: by a cursor at the end of each batch of
 * writes, and to the queue by acknowledging what the socket took.
 */
export class TrackedConnection extends PushConnection implements Wire {
  readonly #progress: Progress;
  #batch: Bytes[] = [];
  #batchBytes = 0;
  #acked: Position | null = null;

  constructor(site: Site, reply: HttpReply, wire: PushWire, progress: Progress) {
    super(site, reply, wire);
    this.#progress = progress;
  }

  get name(): string {
    return this.fanoutWire.name;
  }

  encode(frame: ServerFrame): string {
    this.#progress.noteFrame(frame);
    return this.fanoutWire.encode(frame);
  }

  encodeItem(item: StreamItem): Bytes {
    this.#progress.noteItem(item);
    return this.fanoutWire.encodeItem(item);
  }

  encodeNative(frame: Bytes): Bytes {
    return this.fanoutWire.encodeNative(frame);
  }

  override write(bytes: Bytes): void {
    if (bytes.length === 0) return;
    if (this.#batch.length === 0) queueMicrotask(() => this.flush());
    this.#batch.push(bytes);
    this.#batchBytes += bytes.length;
  }

  override deliver(topic: string, bytes: Bytes, position: Position | null): void {
    if (position !== null) this.#progress.note(topic, position);
    this.write(bytes);
  }

  override follow(topic: string): void {
    this.#progress.share(topic);
    super.follow(topic);
  }

  override bufferedBytes(): number {
    return this.#batchBytes + super.bufferedBytes();
  }

  override due(): void {
    super.write(this.fanoutWire.heartbeat);
  }

  override drained(): void {
    this.#acknowledge();
    super.drained();
  }

  protected override flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    const event = this.fanoutWire.cursorEvent(this.#progress.cursor);
    super.write(joined(event === '' ? batch : [...batch, event]));
    this.#acknowledge();
    // A replay may have paused on the batch alone: of a socket that took it all nobody says that it drained.
    if (super.bufferedBytes() === 0) super.drained();
  }

  /** What waits for the kernel was not taken yet. */
  #acknowledge(): void {
    const { queue } = this.#progress;
    if (queue === null || queue === this.#acked || isEmptyPosition(queue)) return;
    if (super.bufferedBytes() > 0) return;
    this.#acked = queue;
    this.session?.client?.ack(queue);
  }
}

function joined(batch: readonly Bytes[]): Bytes {
  const [first] = batch;
  if (batch.length === 1 && first !== undefined) return first;
  if (batch.every((bytes) => typeof bytes === 'string')) return batch.join('');
  return Buffer.concat(batch.map((bytes) => Buffer.from(bytes as string)));
}
