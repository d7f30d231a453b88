import { closeNumber, encodeFrame, type Position } from '@halley/shared/protocol';
import type { Deadline } from '../../core/deadlines.js';
import type { Connection, Follower } from '../../core/ports/connection.js';
import type { HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Session } from '../../core/session.js';
import type { PushWire } from './encode.js';
import type { Site } from './site.js';

type Bytes = string | Uint8Array;

/** A connection over which an edge pushes in one answer without end. Kept small: there are many. */
export class PushConnection implements Connection, Follower, ReplyListener, Deadline {
  readonly fanoutWire: PushWire;
  protected readonly site: Site;
  protected readonly reply: HttpReply;
  /** Null until it was let in. */
  session: Session | null = null;
  dueAtMs: number;

  constructor(site: Site, reply: HttpReply, wire: PushWire) {
    this.site = site;
    this.reply = reply;
    this.fanoutWire = wire;
    this.dueAtMs = site.deadlines.nowMs + site.heartbeatMs;
    reply.listener = this;
    site.deadlines.add(this);
  }

  write(bytes: Bytes): void {
    this.dueAtMs = this.site.deadlines.nowMs + this.site.heartbeatMs;
    this.reply.write(bytes);
  }

  deliver(_topic: string, bytes: Bytes, _position: Position | null): void {
    this.write(bytes);
  }

  follow(topic: string): void {
    this.site.followers.follow(topic, this);
  }

  unfollow(topic: string): void {
    this.site.followers.unfollow(topic, this);
  }

  /** There is no close frame: the last frame has its number. */
  end(close: number, _reason: string): void {
    const goodbye = encodeFrame({ type: 'goodbye', code: close, retryAfterMs: 0 });
    this.write(this.fanoutWire.encodeNative(goodbye));
    this.flush();
    this.site.deadlines.remove(this);
    // The next request comes by another connection, and so to an edge that stays.
    this.reply.end(close === closeNumber('draining'));
  }

  /** Writes what is still being collected. */
  protected flush(): void {}

  bufferedBytes(): number {
    return this.reply.bufferedBytes();
  }

  address(): string {
    return this.reply.address();
  }

  due(): void {
    this.write(this.fanoutWire.heartbeat);
  }

  drained(): void {
    if (this.session !== null) this.site.edge.drained(this.session);
  }

  overflowed(): void {
    if (this.session !== null) this.site.edge.overflowed(this.session);
  }

  over(): void {
    this.site.deadlines.remove(this);
    if (this.session !== null) this.site.edge.leave(this.session);
  }
}
