/** Many WebSockets, or HTTP answers without end, over plain sockets; only lengths are parsed. */

import { connect, type Socket } from 'node:net';

const OPENING_MAX = 200;
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const NO_BYTES = Buffer.alloc(0);
const LINE_END = Buffer.from('\r\n');
const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

export interface SocketOptions {
  readonly port: number;
  readonly connections: number;
  readonly readyFrames: number;
  readonly targets: readonly string[];
  readonly hello: string;
  /** Plain HTTP: a chunk of the answer with this text in it is a message. '': WebSockets. */
  readonly marker: string;
  readonly onMessage: (payload: Buffer) => void;
}

export class Sockets {
  readonly counts = { messages: 0, bytes: 0, reads: 0 };
  readonly #options: SocketOptions;
  readonly #opened: Promise<void>;
  #started = 0;
  #ready = 0;
  #allReady: () => void = () => undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.#opened = new Promise((resolve) => {
      this.#allReady = resolve;
    });
    for (let index = 0; index < OPENING_MAX; index += 1) this.#startNext();
  }

  /** Resolves when all are ready. */
  opened(): Promise<void> {
    return this.#opened;
  }

  #startNext(): void {
    const { connections, port, targets } = this.#options;
    if (this.#started === connections) return;
    const target = targets[this.#started % targets.length] ?? '/';
    this.#started += 1;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection = new Connection(this, socket, this.#options);
    const upgrade = this.#options.marker === '' ? UPGRADE : '';
    socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${upgrade}\r\n`, () =>
      connection.sent(),
    );
  }

  becameReady(): void {
    this.#ready += 1;
    this.#startNext();
    if (this.#ready === this.#options.connections) this.#allReady();
  }
}

class Connection {
  readonly #all: Sockets;
  readonly #socket: Socket;
  readonly #options: SocketOptions;
  #isOpen = false;
  #frames = 0;
  #rest: Buffer = NO_BYTES;

  constructor(all: Sockets, socket: Socket, options: SocketOptions) {
    this.#all = all;
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => {
      throw new Error('the server ended a connection');
    });
  }

  /** A plain request that parks is never answered while it is held. */
  sent(): void {
    if (this.#options.marker !== '') this.#countReady();
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const before = this.#all.counts.messages;
    let used = 0;
    for (let step = -1; step !== 0 && used < bytes.length; used += step) {
      step = this.#takeNext(bytes, used);
    }
    this.#rest = used === bytes.length ? NO_BYTES : Buffer.from(bytes.subarray(used));
    if (this.#all.counts.messages !== before) this.#all.counts.reads += 1;
  }

  #takeNext(bytes: Buffer, at: number): number {
    if (!this.#isOpen) return this.#takeResponse(bytes);
    return this.#options.marker === '' ? this.#takeFrame(bytes, at) : this.#takeChunk(bytes, at);
  }

  /**
   * A chunk is `<length in hex>\r\n<bytes>\r\n`; uWS sends its last line break with the next one. The bytes
   * used; 0 while it is not whole.
   */
  #takeChunk(bytes: Buffer, at: number): number {
    if (bytes.subarray(at, at + 2).equals(LINE_END)) return 2;
    const line = bytes.indexOf(LINE_END, at);
    if (line === -1) return 0;
    const length = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (length === 0) throw new Error('the server ended an answer');
    const end = line + 2 + length;
    if (bytes.length < end) return 0;
    const payload = bytes.subarray(line + 2, end);
    this.#frames += 1;
    if (payload.includes(this.#options.marker)) {
      this.#all.counts.messages += 1;
      this.#all.counts.bytes += payload.length;
      this.#options.onMessage(payload);
    }
    this.#countReady();
    return end - at;
  }

  /** The bytes used; 0 while it is not whole. */
  #takeResponse(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1) return 0;
    const head = bytes.toString('latin1', 0, end);
    const isPlain = this.#options.marker !== '';
    if (!head.startsWith(isPlain ? 'HTTP/1.1 200' : 'HTTP/1.1 101')) {
      throw new Error(`the request was refused: ${head}`);
    }
    this.#isOpen = true;
    if (isPlain) return end + 4;
    if (this.#options.hello !== '') this.#send(TEXT, Buffer.from(this.#options.hello));
    this.#countReady();
    return end + 4;
  }

  /** A server's frame is not masked. The bytes used; 0 while it is not whole. */
  #takeFrame(bytes: Buffer, at: number): number {
    if (bytes.length < at + 2) return 0;
    const short = bytes.readUInt8(at + 1) & 127;
    if (short === 127) throw new Error('a frame of 64 KiB or more');
    const head = short === 126 ? 4 : 2;
    if (bytes.length < at + head) return 0;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    const end = at + head + length;
    if (bytes.length < end) return 0;
    this.#handle(bytes.readUInt8(at) & 15, bytes.subarray(at + head, end));
    return head + length;
  }

  #handle(opcode: number, payload: Buffer): void {
    if (opcode === TEXT) {
      this.#takeText(payload);
    } else if (opcode === PING) {
      this.#send(PONG, payload);
    } else if (opcode === CLOSE) {
      throw new Error(`the server closed a connection: ${payload.readUInt16BE(0)}`);
    }
  }

  #takeText(payload: Buffer): void {
    this.#frames += 1;
    const text = payload.toString('latin1', 0, 17);
    if (text.startsWith('{"type":"message"')) {
      this.#all.counts.messages += 1;
      this.#all.counts.bytes += payload.length;
      this.#options.onMessage(payload);
    } else if (this.#frames > this.#options.readyFrames || text.startsWith('{"type":"error"')) {
      throw new Error(`an unexpected frame: ${payload.toString()}`);
    }
    this.#countReady();
  }

  #countReady(): void {
    if (this.#frames === this.#options.readyFrames) this.#all.becameReady();
  }

  /** The mask key is zero, so the payload stays as it is. */
  #send(opcode: number, payload: Buffer): void {
    const isShort = payload.length < 126;
    const frame = Buffer.alloc((isShort ? 6 : 8) + payload.length);
    frame.writeUInt8(0x80 | opcode, 0);
    frame.writeUInt8(0x80 | (isShort ? payload.length : 126), 1);
    if (!isShort) frame.writeUInt16BE(payload.length, 2);
    payload.copy(frame, frame.length - payload.length);
    this.#socket.write(frame);
  }
}
