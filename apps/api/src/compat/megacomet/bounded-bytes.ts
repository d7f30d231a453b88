/** Bytes that stay allocated while nothing is held. */
const KEPT_BYTES = 1_024;
const FIRST_BYTES = 64;
const NOTHING = Buffer.alloc(0);

/** Gathers what comes in pieces, up to a limit. What goes above it is forgotten, not kept. */
export class BoundedBytes {
  readonly #maxBytes: number;
  #buffer: Buffer = NOTHING;
  #length = 0;
  #isOver = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** More than the limit came since the last `clear`; nothing of it is here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Only valid until the next change. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** @param piece is copied: one byte of it must not hold on to the whole chunk that it came in */
  add(piece: Uint8Array): void {
    if (this.#isOver) return;
    const length = this.#length + piece.length;
    if (length > this.#maxBytes) {
      this.clear();
      this.#isOver = true;
      return;
    }
    if (length > this.#buffer.length) this.#grow(length);
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  clear(): void {
    this.#length = 0;
    this.#isOver = false;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = NOTHING;
  }

  /** At least doubles: a frame that comes byte by byte must not be copied at each of them. */
  #grow(neededBytes: number): void {
    const doubled = Math.min(this.#maxBytes, Math.max(FIRST_BYTES, 2 * this.#buffer.length));
    const grown = Buffer.allocUnsafe(Math.max(neededBytes, doubled));
    grown.set(this.bytes);
    this.#buffer = grown;
  }
}
