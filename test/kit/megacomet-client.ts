/** A client of MegaComet on a raw socket: what it sends is what is given, what it gets is kept byte for byte. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { EdgeProcess } from './fleet.js';
import { connect as connectNative } from './native-client.js';
import { freePort } from './ports.js';
import { headOf } from './raw-http.js';
import { counterOf } from './streams.js';
import type { FleetUnderTest } from './use-fleet.js';
import { eventually, within } from './wait.js';

export interface BinaryAnswer {
  /** Such as `HTTP/1.1 200 OK`. */
  readonly statusLine: string;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** A request as simple as MegaComet takes it: one header. */
export function requestOf(target: string, method = 'GET'): string {
  return `${method} ${target} HTTP/1.1\r\nHost: comet\r\n\r\n`;
}

export class MegacometClient {
  readonly socket: Socket;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined); // Told by `closed`.
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
  }

  get received(): Buffer {
    return this.#received;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Resolves when the system has taken the bytes: the next ones make a segment of their own. */
  async sendSegment(bytes: Uint8Array): Promise<void> {
    const taken = new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    await within(taken, 'a segment is on its way');
  }

  /** All that came until the server closed. */
  async ended(deadlineMs?: number): Promise<Buffer> {
    const what = () => `the server closes; got ${JSON.stringify(this.#received.toString())}`;
    await within(this.closed, what, deadlineMs);
    return this.#received;
  }

  /** The one answer on this connection, which the server closes behind it. */
  async answer(deadlineMs?: number): Promise<BinaryAnswer> {
    return answerOf(await this.ended(deadlineMs));
  }

  /** Body of the answer, which is a message. */
  async message(deadlineMs?: number): Promise<string> {
    const { statusLine, body } = await this.answer(deadlineMs);
    if (statusLine !== 'HTTP/1.1 200 OK') throw new Error(`${statusLine}: ${body.toString()}`);
    return body.toString();
  }

  /** RST. */
  async reset(): Promise<void> {
    this.socket.resetAndDestroy();
    await within(this.closed, 'the socket is gone');
  }
}

/** Resolves once the connection is made; `bytes` are sent at once. */
export async function openMegacomet(
  port: number,
  bytes: string | Uint8Array = '',
): Promise<MegacometClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const client = new MegacometClient(socket);
  await within(once(socket, 'connect'), 'a connection to the door of MegaComet');
  if (bytes.length > 0) client.send(bytes);
  return client;
}

/** Takes one answer apart, and holds it to its own `Content-Length`. */
export function answerOf(bytes: Buffer): BinaryAnswer {
  const head = headOf(bytes);
  if (head === null) throw new Error(`no answer in ${JSON.stringify(bytes.toString())}`);
  const { statusLine, headers, bodyAt } = head;
  const body = bytes.subarray(bodyAt);
  if (headers.get('content-length') !== String(body.length)) {
    throw new Error(`${body.length} bytes in the body of ${bytes.toString('latin1', 0, bodyAt)}`);
  }
  return { statusLine, headers, body };
}

/** An edge with its port for clients of MegaComet. */
export class MegacometDoor {
  readonly edge: EdgeProcess;
  readonly port: number;

  constructor(edge: EdgeProcess, port: number) {
    this.edge = edge;
    this.port = port;
  }

  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): Promise<MegacometClient> {
    return openMegacomet(this.port, bytes);
  }

  /** Asks for the next message of a client. */
  ask(clientId: string): Promise<MegacometClient> {
    return this.send(requestOf(`/${clientId}.js`));
  }

  /** Connections of all kinds that the edge says it has. */
  connections(): Promise<number> {
    return counterOf(this.edge, 'halley_connections');
  }

  async holds(count: number): Promise<void> {
    const isSo = async () => (await this.connections()) === count;
    await eventually(isSo, `${this.edge.name} has ${count} connections`);
  }

  /**
   * Requests of a client that wait, in this order. An edge registers the connections of a client one after
   * the other: once a WebSocket of the same client is welcome, all before it have read the queue.
   */
  async park(clientId: string, count = 1): Promise<MegacometClient[]> {
    const parked: MegacometClient[] = [];
    const before = await this.connections();
    for (let index = 0; index < count; index += 1) {
      parked.push(await this.ask(clientId));
      await this.holds(before + index + 1);
    }
    const fence = await connectNative(this.edge.wsUrl, { client: clientId });
    await fence.close();
    await this.holds(before + count);
    return parked;
  }
}

/** A further edge, which has a port for clients of MegaComet. */
export async function addMegacomet(
  { fleet }: FleetUnderTest,
  env: Readonly<Record<string, string>> = {},
): Promise<MegacometDoor> {
  const port = await freePort();
  const edge = await fleet.addEdge({ HALLEY_MEGACOMET_PORT: String(port), ...env });
  return new MegacometDoor(edge, port);
}
