import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { Client } from '../../core/client.js';
import type { Connection } from '../../core/ports/connection.js';
import type { HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import { Session } from '../../core/session.js';
import type { StreamItem } from '../../core/tail.js';
import { contentOf } from './encode.js';
import { answerRefusal, refusalOfClose, SCRIPT_HEADERS } from './errors.js';
import type { Site } from './site.js';

/** Messages in the queue's order, the first of which is being claimed. */
interface Claiming {
  readonly items: StreamItem[];
  /** The request was to end meanwhile, with this number. */
  close: number | null;
}

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
  /** It has read the queue: what comes from now on comes to it. */
  #isStarted = false;
  /** Something went by, which a newer request was to get. */
  #hasPassed = false;
  #claiming: Claiming | null = null;

  constructor(site: Site, reply: HttpReply, callback: string | null) {
    this.#site = site;
    this.#reply = reply;
    this.#callback = callback;
    reply.listener = this;
  }

  /** The newest request of a client that waits here and has read the queue. */
  static #newestOf({ sessions }: Client): ParkedConnection | null {
    for (let index = sessions.length - 1; index >= 0; index -= 1) {
      const session = sessions[index];
      const wire = session instanceof Session ? session.wire : null;
      if (wire instanceof ParkedConnection && wire.#isStarted) return wire;
    }
    return null;
  }

  get name(): string {
    return 'megacomet';
  }

  encode(frame: ServerFrame): string {
    if (frame.type === 'welcome') this.#isStarted = true;
    if (frame.type === 'goodbye') this.end(frame.code);
    return '';
  }

  encodeItem(item: StreamItem): string {
    const client = this.session?.client ?? null;
    if (client === null) return '';
    if (ParkedConnection.#newestOf(client) === this) this.#offer(client, item);
    else this.#hasPassed = true;
    return '';
  }

  encodeNative(): string {
    return '';
  }

  /** What there is to say is said where it is encoded. */
  write(): void {}

  follow(): void {}

  unfollow(): void {}

  /** Not between a claim and its answer: the message would be lost. */
  end(close: number): void {
    if (this.#claiming === null) answerRefusal(this.#reply, refusalOfClose(close));
    else this.#claiming.close = close;
  }

  bufferedBytes(): number {
    return 0;
  }

  address(): string {
    return this.#reply.address();
  }

  get addressKey(): number {
    return this.#reply.addressKey;
  }

  drained(): void {}

  over(): void {
    const { session } = this;
    if (session === null) return;
    this.#site.edge.leave(session, this.#site.pollPresenceMs);
    if (session.client !== null) ParkedConnection.#newestOf(session.client)?.readPassed();
  }

  #offer(client: Client, item: StreamItem): void {
    if (this.#claiming !== null) {
      this.#claiming.items.push(item);
      return;
    }
    this.#claiming = { items: [item], close: null };
    void this.#takeFirst(client, this.#claiming);
  }

  /** In the queue's order: a claim takes what comes before it out of the queue too. */
  async #takeFirst(client: Client, claiming: Claiming): Promise<void> {
    for (const item of claiming.items) {
      if (await this.#claim(client, item.id)) {
        this.#give(client, item);
        return;
      }
      if (this.#reply.isGone || claiming.close !== null) break;
    }
    this.#claiming = null;
    if (claiming.close !== null) this.end(claiming.close);
  }

  /** Before the answer, else the next request could be there before the claim. */
  async #claim(client: Client, position: Position): Promise<boolean> {
    try {
      const isOurs = await this.#site.claims.claim(client.id, position);
      if (isOurs) client.lastAck = position;
      return isOurs;
    } catch (error) {
      // Nobody can say who has it: better twice than never.
      this.#site.edge.services.counters.storeFailed('ack', error);
      return true;
    }
  }

  /** To the next request where this one has gone during the claim: nobody else will ask for it. */
  #give({ id }: Client, item: StreamItem): void {
    const client = this.#reply.isGone ? this.#site.edge.clients.get(id) : undefined;
    const taker = client === undefined ? this : ParkedConnection.#newestOf(client);
    taker?.answer(item);
  }

  answer(item: StreamItem): void {
    this.#reply.answer('200 OK', SCRIPT_HEADERS, contentOf(item, this.#callback), true);
  }

  /** Its turn has come: what went by may still be in the queue. */
  readPassed(): void {
    const { session } = this;
    if (session === null || session.client === null || !this.#hasPassed) return;
    this.#hasPassed = false;
    session.client.readmit(session).catch(() => {
      if (!session.isGone) this.#site.edge.cut(session, 'presence-unavailable');
    });
  }
}
