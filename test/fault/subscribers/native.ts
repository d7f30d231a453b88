/** A client of the native WebSocket as its document asks for: resumes, obeys codes and goodbyes, pings. */

import { adviceOf, type Position, type ServerFrame } from '@halley/shared/protocol';
import { WebSocket } from 'ws';
import type { Stream } from '../history.js';
import { Recorder, type Subscriber, type SubscriberOptions } from './recorder.js';
import { Timers } from './timers.js';

/** One connection. */
class Line {
  readonly number: number;
  readonly socket: WebSocket;
  readonly shown = new Map<Stream, Position | null>();
  /** Channels whose answer is awaited. */
  readonly awaited = new Set<string>();
  cancelSilence: () => void = () => undefined;
  isWelcome = false;
  /** It got a goodbye. */
  isLeaving = false;

  constructor(number: number, url: URL, handshakeMs: number) {
    this.number = number;
    this.socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: handshakeMs });
  }
}

export class NativeSubscriber implements Subscriber {
  readonly name: string;
  readonly channels: readonly string[];
  readonly clientId: string | undefined;
  readonly #recorder: Recorder;
  readonly #lines = new Set<Line>();
  readonly #timers = new Timers();
  #pingIntervalMs: number;
  #isOpening = false;

  constructor(options: SubscriberOptions) {
    this.name = options.name;
    this.channels = options.channels;
    this.clientId = options.clientId;
    this.#recorder = new Recorder(options);
    this.#pingIntervalMs = options.patience.welcomeMs;
    this.#open();
  }

  get edgeId(): string | null {
    return this.#recorder.edgeId;
  }

  async stop(): Promise<void> {
    this.#timers.stop();
    const deadline = setTimeout(
      () => this.#lines.forEach(({ socket }) => void socket.terminate()),
      this.#recorder.options.patience.welcomeMs,
    );
    const ends = [...this.#lines].map(({ socket }) => {
      const end = new Promise((resolve) => socket.once('close', resolve));
      socket.close(1000);
      return end;
    });
    await Promise.all(ends);
    clearTimeout(deadline);
  }

  #open(): void {
    const { patience, url, clientId } = this.#recorder.options;
    const address = new URL('/v1/ws', url.replace('http', 'ws'));
    const queue = this.#recorder.queue;
    const queueAfter = queue === null ? null : (this.#recorder.positions.get(queue) ?? null);
    if (clientId !== undefined) address.searchParams.set('client', clientId);
    if (queueAfter !== null) address.searchParams.set('queueAfter', queueAfter);
    const line = new Line(this.#recorder.begin(), address, patience.welcomeMs);
    if (queue !== null) line.shown.set(queue, queueAfter);
    this.#lines.add(line);
    line.socket.on('error', () => undefined); // Told by `close`.
    line.socket.on('message', (data) => this.#hear(line, JSON.parse(data.toString())));
    line.socket.once('open', () => this.#heard(line));
    line.socket.once('close', (code) => this.#closed(line, code));
  }

  #hear(line: Line, frame: ServerFrame): void {
    this.#heard(line);
    this.#recorder.frame(line.number, frame, (stream) => line.shown.get(stream) ?? null);
    if (frame.type === 'welcome') {
      line.isWelcome = true;
      this.#pingIntervalMs = frame.pingIntervalMs;
      this.#subscribe(line, this.channels);
    } else if (frame.type === 'subscribed') this.#subscribed(line, frame.channel);
    else if (frame.type === 'private') send(line, { type: 'ack', id: frame.id });
    else if (frame.type === 'error') this.#refused(line, frame);
    else if (frame.type === 'goodbye' && !line.isLeaving) {
      line.isLeaving = true;
      this.#openLater(frame.retryAfterMs ?? 0);
    }
  }

  #subscribe(line: Line, channels: readonly string[]): void {
    const frames = channels.map((channel) => {
      const after = this.#recorder.positions.get(channel) ?? null;
      line.shown.set(channel, after);
      line.awaited.add(channel);
      return { type: 'subscribe', ref: channel, channel, ...(after === null ? {} : { after }) };
    });
    if (frames.length > 0) send(line, frames);
  }

  #subscribed(line: Line, channel: string): void {
    line.awaited.delete(channel);
    if (line.awaited.size > 0) return;
    // It has come back by a new connection: the old ones are done.
    for (const other of this.#lines) if (other.number < line.number) other.socket.close(1000);
  }

  #refused(line: Line, { ref, code, retryAfterMs }: Extract<ServerFrame, { type: 'error' }>): void {
    if (retryAfterMs === undefined) this.#recorder.refused(line.number, code);
    else this.#timers.later(retryAfterMs, () => this.#subscribe(line, [String(ref)]));
  }

  #closed(line: Line, code: number): void {
    line.cancelSilence();
    this.#lines.delete(line);
    if (line.isWelcome && this.#lines.size === 0) this.#recorder.ended(line.number, String(code));
    if (adviceOf(code) === 'stop') this.#recorder.refused(line.number, String(code));
    else if (![...this.#lines].some(({ isLeaving }) => !isLeaving)) {
      this.#openLater(this.#recorder.waitMs(code));
    }
  }

  #openLater(delayMs: number): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    this.#timers.later(delayMs, () => {
      this.#isOpening = false;
      this.#open();
    });
  }

  /** Any frame is a sign of life; without one it asks, and then gives up. */
  #heard(line: Line): void {
    const { pongMs } = this.#recorder.options.patience;
    line.cancelSilence();
    line.cancelSilence = this.#timers.later(this.#pingIntervalMs, () => {
      send(line, { type: 'ping' });
      line.cancelSilence = this.#timers.later(pongMs, () => line.socket.terminate());
    });
  }
}

function send({ socket }: Line, frame: object): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}
