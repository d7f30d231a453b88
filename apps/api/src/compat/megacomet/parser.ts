/**
 * The bytes of one connection as frames, wherever they are cut. It holds one chunk and at most one frame,
 * and never more of a frame than its limits.
 */

import { type Refusal, refusal } from '@halley/shared/protocol';
import { BoundedBytes } from './bounded-bytes.js';
import { FRAME_LIMITS, type FrameLimits } from './limits.js';

const NUL = 0;
const WORKER = 1;
const MESSAGE = 2;
const LF = 10;
const OPEN_BRACE = 123;
const NO_BYTES = Buffer.alloc(0);

/** What was sent, not yet looked into; its bytes are only valid until the next call of the parser. */
export type Frame =
  | { readonly type: 'message'; readonly id: Uint8Array; readonly message: Uint8Array }
  | { readonly type: 'line'; readonly line: Uint8Array };

/** What the next byte belongs to. */
type State = 'idle' | 'worker' | 'id' | 'message' | 'line';

export class FrameParser {
  readonly #id: BoundedBytes;
  readonly #message: BoundedBytes;
  readonly #line: BoundedBytes;
  #state: State = 'idle';
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  #skippedBytes = 0;

  constructor(limits: FrameLimits = FRAME_LIMITS) {
    this.#id = new BoundedBytes(limits.idMaxBytes);
    this.#message = new BoundedBytes(limits.messageMaxBytes);
    this.#line = new BoundedBytes(limits.lineMaxBytes);
  }

  /** @param chunk after `next` gave null for the one before */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** A frame, or what is wrong with it; null where the chunk holds no further one. */
  next(): Frame | Refusal | null {
    if (this.#state === 'idle') this.#clear();
    while (this.#at < this.#chunk.length) {
      const frame = this.#step();
      if (frame !== null) return frame;
    }
    this.#chunk = NO_BYTES;
    this.#at = 0;
    return null;
  }

  /**
   * The connection ended. @param isWhole nothing of what was sent is missing
   * @returns what the last frame is worth; a whole line needs no end
   */
  end(isWhole: boolean): Frame | Refusal | null {
    const state = this.#state;
    this.#state = 'idle';
    if (state === 'idle' || state === 'worker') return null;
    if (state === 'line' && isWhole) return this.#wholeLine();
    return refusal('bad-frame', 'the connection ended within a frame');
  }

  /** Bytes that belonged to nothing, since the last call. */
  takeSkippedBytes(): number {
    const skipped = this.#skippedBytes;
    this.#skippedBytes = 0;
    return skipped;
  }

  #step(): Frame | Refusal | null {
    switch (this.#state) {
      case 'idle':
        this.#begin();
        return null;
      case 'worker':
        this.#at += 1;
        this.#state = 'idle';
        return null;
      case 'id':
        if (this.#endsAt(NUL, this.#id)) this.#state = 'message';
        return null;
      case 'message':
        return this.#endsAt(NUL, this.#message) ? this.#wholeMessage() : null;
      case 'line':
        return this.#lineStep();
    }
  }

  /** The first byte says what it begins. That of a line is part of it. */
  #begin(): void {
    const byte = this.#chunk[this.#at];
    if (byte === OPEN_BRACE) {
      this.#state = 'line';
      return;
    }
    this.#at += 1;
    if (byte === MESSAGE) this.#state = 'id';
    else if (byte === WORKER) this.#state = 'worker';
    else this.#skippedBytes += 1;
  }

  /** Moves behind the terminator, or to the end of the chunk; whether the terminator was there. */
  #endsAt(terminator: number, text: BoundedBytes): boolean {
    const end = this.#chunk.indexOf(terminator, this.#at);
    text.add(this.#chunk.subarray(this.#at, end === -1 ? undefined : end));
    this.#at = end === -1 ? this.#chunk.length : end + 1;
    return end !== -1;
  }

  /**
   * JSON holds no byte that begins a binary frame. One inside a line means that the brace was garbage: the
   * frame behind it must not be taken for the rest of the line.
   */
  #lineStep(): Frame | Refusal | null {
    const stop = lineStop(this.#chunk, this.#at);
    this.#line.add(this.#chunk.subarray(this.#at, stop));
    this.#at = stop;
    if (stop === this.#chunk.length) return null;
    if (this.#chunk[stop] === LF) {
      this.#at += 1;
      return this.#wholeLine();
    }
    this.#state = 'idle';
    return refusal('bad-json', 'a binary frame begins within the line');
  }

  #wholeMessage(): Frame | Refusal {
    this.#state = 'idle';
    if (this.#id.isOver) return refusal('bad-client', 'the client name has too many bytes');
    if (this.#message.isOver) return refusal('payload-too-large');
    return { type: 'message', id: this.#id.bytes, message: this.#message.bytes };
  }

  #wholeLine(): Frame | Refusal {
    this.#state = 'idle';
    if (this.#line.isOver) return refusal('frame-too-large', 'the line has too many bytes');
    return { type: 'line', line: this.#line.bytes };
  }

  #clear(): void {
    this.#id.clear();
    this.#message.clear();
    this.#line.clear();
  }
}

/** Where the line ends or breaks off; the length of the chunk where it does neither. */
function lineStop(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length) {
    const byte = chunk[at];
    if (byte === LF || byte === WORKER || byte === MESSAGE) return at;
    at += 1;
  }
  return at;
}
