import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { Client } from '../../core/client.js';
import type { Connection } from '../../core/ports/connection.js';
import type { HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import { Session } from '../../core/session.js';
import type { StreamItem } from '../../core/tail.js';
import { contentOf } from './encode.js';
import { answerRefusal, COMMON_HEADERS, refusalOfClose } from './errors.js';
import type { Site } from './site.js';

const SCRIPT_TYPE = ['Content-Type', 'text/javascript; charset=utf-8'] as const;

/**
 * A request that waits for one message. Kept small: there are very many.
 *
 * Of several that wait for one client on this edge the newest gets the message: the others may be of a
 * page that is gone. They let it pass, and read the queue again when it is their turn.
 */
export class ParkedConnection implements Connection, Wire, ReplyListener {
  readonly #site: Site;
  readonly #reply: HttpReply;
  readonly #callback: string | null;
  session: Session | null = null;
  /** It has read the queue. */
  isStarted = false;
  /** Messages in the queue's order, the first of which is being claimed; null: there is none. */
  #offered: StreamItem[] | null = null;

  constructor(site: Site, reply: HttpReply, callback: string | null) {
    this.#site = site;
    this.#reply = reply;
    this.#callback = callback;
    reply.listener = this;
  }

  get name(): string {
    return 'megacomet';
  }

  encode(frame: ServerFrame): string {
    if (frame.type === 'welcome') this.isStarted = true;
    if (frame.type === 'goodbye') this.end(frame.code);
    return '';
  }

  encodeItem(item: StreamItem): string {
    const client = this.session?.client ?? null;
    if (client !== null && newestOf(client) === this) this.#offer(client, item);
    return '';
  }

  encodeNative(): string {
    return '';
  }

  /** What there is to say is said where it is encoded. */
  write(): void {}

  follow(): void {}

  unfollow(): void {}

  end(close: number): void {
    answerRefusal(this.#reply, refusalOfClose(close));
  }

  bufferedBytes(): number {
    return 0;
  }

  address(): string {
    return this.#reply.address();
  }

  drained(): void {}

  over(): void {
    const { session } = this;
    if (session === null) return;
    const { client } = session;
    const wasNewest = client !== null && newestOf(client) === this;
    this.#site.edge.leave(session, this.#site.pollPresenceMs);
    if (wasNewest) newestOf(client)?.readAgain();
  }

  #offer(client: Client, item: StreamItem): void {
    if (this.#offered !== null) {
      this.#offered.push(item);
      return;
    }
    this.#offered = [item];
    void this.#takeFirst(client, this.#offered);
  }

  /** In the queue's order: a claim takes what comes before it out of the queue too. */
  async #takeFirst(client: Client, offered: readonly StreamItem[]): Promise<void> {
    for (const item of offered) {
      if (!(await this.#isOurs(client, item.id))) continue;
      client.lastAck = item.id;
      this.#answer(item);
      return;
    }
    this.#offered = null;
  }

  /** Claimed before it is answered: else the next request could be there before the claim. */
  async #isOurs(client: Client, position: Position): Promise<boolean> {
    try {
      return await this.#site.claims.claim(client.id, position);
    } catch (error) {
      // Nobody can say who has it: better twice than never.
      this.#site.edge.services.counters.storeFailed('ack', error);
      return true;
    }
  }

  #answer(item: StreamItem): void {
    const headers = [SCRIPT_TYPE, ...COMMON_HEADERS];
    this.#reply.answer('200 OK', headers, contentOf(item, this.#callback), true);
  }

  /** What came while another one was the newest has passed by. */
  readAgain(): void {
    const { session } = this;
    const client = session?.client ?? null;
    if (session === null || client === null) return;
    client.readmit(session).catch(() => {
      if (!session.isGone) this.#site.edge.cut(session, 'presence-unavailable');
    });
  }
}

/** The newest request of a client that waits here and has read the queue. */
function newestOf(client: Client): ParkedConnection | null {
  let newest: ParkedConnection | null = null;
  for (const session of client.sessions) {
    const wire = session instanceof Session ? session.wire : null;
    if (wire instanceof ParkedConnection && wire.isStarted) newest = wire;
  }
  return newest;
}
