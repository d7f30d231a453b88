import { closeNumber, encodeFrame, type Position } from '@halley/shared/protocol';
import type { Deadline } from '../../core/deadlines.js';
import type { HttpReply } from '../../core/ports/http.js';
import type { PushWire } from './encode.js';
import { ReplyConnection } from './reply-connection.js';
import type { Site } from './site.js';

type Bytes = string | Uint8Array;

/** A connection over which an edge pushes in one answer without end. Kept small: there are many. */
export class PushConnection extends ReplyConnection implements Deadline {
  readonly fanoutWire: PushWire;
  dueAtMs: number;

  constructor(site: Site, reply: HttpReply, wire: PushWire) {
    super(site, reply);
    this.fanoutWire = wire;
    this.dueAtMs = site.deadlines.nowMs + site.heartbeatMs;
    site.deadlines.add(this);
  }

  write(bytes: Bytes): void {
    this.dueAtMs = this.site.deadlines.nowMs + this.site.heartbeatMs;
    this.reply.write(bytes);
  }

  deliver(_topic: string, bytes: Bytes, _position: Position | null): void {
    this.write(bytes);
  }

  /** There is no close frame: the last frame says what it would. */
  end(close: number, reason: string): void {
    const goodbye = encodeFrame({ type: 'goodbye', code: close, retryAfterMs: 0, reason });
    this.write(this.fanoutWire.encodeNative(goodbye));
    this.flush();
    this.site.deadlines.remove(this);
    // The next request comes by another connection, and so to an edge that stays.
    this.reply.end(close === closeNumber('draining'));
  }

  /** Writes what is still being collected. */
  protected flush(): void {}

  due(): void {
    this.write(this.fanoutWire.heartbeat);
  }

  over(): void {
    this.site.deadlines.remove(this);
    if (this.session !== null) this.site.edge.leave(this.session);
  }
}
