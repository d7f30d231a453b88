/** A WebSocket by hand: any bytes out, right or wrong, and the frames that come back. */

import { randomBytes } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import { DEADLINE_MS, within } from './wait.js';
import { Waiters } from './waiters.js';

export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

const LENGTH_16_BITS = 126;
const LENGTH_64_BITS = 127;
const MASK_BIT = 0x80;

export interface FrameFields {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  /** Default true. */
  readonly isLast?: boolean;
  /** The three reserved bits, 0-7. Default 0. */
  readonly reserved?: number;
  /** Default true, as clients must. */
  readonly isMasked?: boolean;
  /** The length that the head claims; default that of the payload. */
  readonly declaredBytes?: bigint;
}

/** The bytes of one frame. */
export function frameBytes(fields: FrameFields): Buffer {
  const { opcode, payload = '', isLast = true, reserved = 0, isMasked = true } = fields;
  const data = Buffer.from(payload);
  const first = (isLast ? MASK_BIT : 0) | (reserved << 4) | opcode;
  const length = lengthBytes(fields.declaredBytes ?? BigInt(data.length), isMasked);
  if (!isMasked) return Buffer.concat([Buffer.of(first), length, data]);
  const mask = randomBytes(4);
  const masked = data.map((byte, index) => byte ^ (mask[index % 4] as number));
  return Buffer.concat([Buffer.of(first), length, mask, masked]);
}

function lengthBytes(bytes: bigint, isMasked: boolean): Buffer {
  const bit = isMasked ? MASK_BIT : 0;
  if (bytes < LENGTH_16_BITS) return Buffer.of(bit | Number(bytes));
  if (bytes <= 0xffff) {
    return Buffer.of(bit | LENGTH_16_BITS, Number(bytes >> 8n), Number(bytes & 0xffn));
  }
  const long = Buffer.alloc(9);
  long[0] = bit | LENGTH_64_BITS;
  long.writeBigUInt64BE(bytes, 1);
  return long;
}

export interface ReceivedFrame {
  readonly isLast: boolean;
  readonly reserved: number;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What a server's close frame says; null of one without payload. */
export function closeCodeOf({ payload }: ReceivedFrame): number | null {
  return payload.length < 2 ? null : payload.readUInt16BE(0);
}

export class RawWebSocket {
  readonly socket: Socket;
  /** Head of the answer to the upgrade, with its first line. */
  readonly head: string;
  /** Every frame received so far, in order. */
  readonly frames: ReceivedFrame[] = [];
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<'gone'>;
  readonly #waiters: Waiters;
  #rest: Buffer;

  constructor(socket: Socket, head: string, rest: Buffer) {
    this.socket = socket;
    this.head = head;
    this.#rest = rest;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve('gone')));
    this.#waiters = new Waiters(this.closed);
    this.#take();
    socket.on('data', (bytes) => {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      this.#take();
      this.#waiters.wake();
    });
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  sendFrame(fields: FrameFields): void {
    this.send(frameBytes(fields));
  }

  /** The first frame from index `from` on, received or still to come, for which `matches` holds. */
  next(
    matches: (frame: ReceivedFrame) => boolean,
    what: string,
    from = 0,
    deadlineMs = DEADLINE_MS,
  ): Promise<ReceivedFrame> {
    const probe = () => this.frames.slice(from).find(matches) ?? null;
    const has = () =>
      this.frames
        .slice(-5)
        .map(({ opcode, payload }) => `${opcode}: ${payload.toString('latin1').slice(0, 200)}`)
        .join('\n');
    return this.#waiters.until(probe, what, has, deadlineMs);
  }

  /** Goes away without a word. */
  cut(): void {
    this.socket.destroy();
  }

  #take(): void {
    for (;;) {
      const taken = frameOf(this.#rest);
      if (taken === null) return;
      this.frames.push(taken.frame);
      this.#rest = this.#rest.subarray(taken.bytes);
    }
  }
}

/** Servers do not mask. */
function frameOf(bytes: Buffer): { frame: ReceivedFrame; bytes: number } | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  let from = 2;
  let length = second & 0x7f;
  if (length === LENGTH_16_BITS) {
    if (bytes.length < 4) return null;
    length = bytes.readUInt16BE(2);
    from = 4;
  } else if (length === LENGTH_64_BITS) {
    if (bytes.length < 10) return null;
    length = Number(bytes.readBigUInt64BE(2));
    from = 10;
  }
  if (bytes.length < from + length) return null;
  const frame = {
    isLast: (first & MASK_BIT) !== 0,
    reserved: (first >> 4) & 7,
    opcode: first & 0xf,
    payload: bytes.subarray(from, from + length),
  };
  return { frame, bytes: from + length };
}

/** The text of an upgrade, with any further headers. */
export function upgradeText(target: string, headers: readonly string[] = []): string {
  return [
    `GET ${target} HTTP/1.1`,
    'Host: halley',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    ...headers,
    '',
    '',
  ].join('\r\n');
}

/** @throws Error with the answer where it is no 101 */
export async function openRawWebSocket(
  port: number,
  target: string,
  headers: readonly string[] = [],
): Promise<RawWebSocket> {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => undefined); // Told by `closed`, which follows.
  const answered = new Promise<{ head: string; rest: Buffer }>((resolve, reject) => {
    let received = Buffer.alloc(0);
    const take = (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.off('data', take);
      const head = received.toString('latin1', 0, end);
      if (head.startsWith('HTTP/1.1 101 ')) resolve({ head, rest: received.subarray(end + 4) });
      else reject(new Error(`the upgrade was refused: ${received.toString('latin1')}`));
    };
    socket.on('data', take);
    socket.once('close', () => reject(new Error('closed before the upgrade was answered')));
  });
  socket.write(upgradeText(target, headers));
  const { head, rest } = await within(answered, `an upgrade of ${target}`);
  return new RawWebSocket(socket, head, rest);
}
