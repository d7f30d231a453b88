import type { Connection, Follower } from '../../core/ports/connection.js';
import type { HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import type { Session } from '../../core/session.js';
import type { Site } from './site.js';

/** What every connection has in common that is one answer. Kept small: there are many. */
export abstract class ReplyConnection<S extends Site = Site>
  implements Connection, Follower, ReplyListener
{
  abstract readonly fanoutWire: Wire;
  protected readonly site: S;
  protected readonly reply: HttpReply;
  /** Null until it was let in. */
  session: Session | null = null;

  constructor(site: S, reply: HttpReply) {
    this.site = site;
    this.reply = reply;
    reply.listener = this;
  }

  abstract write(bytes: string | Uint8Array): void;
  abstract deliver(...delivery: Parameters<Follower['deliver']>): void;
  abstract end(close: number, reason: string): void;
  abstract over(): void;

  follow(topic: string): void {
    this.site.followers.follow(topic, this);
  }

  unfollow(topic: string): void {
    this.site.followers.unfollow(topic, this);
  }

  bufferedBytes(): number {
    return this.reply.bufferedBytes();
  }

  address(): string {
    return this.reply.address();
  }

  get addressKey(): number {
    return this.reply.addressKey;
  }

  drained(): void {
    if (this.session !== null) this.site.edge.drained(this.session);
  }

  overflowed(): void {
    if (this.session !== null) this.site.edge.overflowed(this.session);
  }
}
