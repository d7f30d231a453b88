import { escapeName, type Refusal, RefusedError } from '@halley/shared/protocol';
import { execute } from '../../core/commands/index.js';
import type { Identity } from '../../core/ports/authorizer.js';
import type { Follower } from '../../core/ports/connection.js';
import type { Headers, HttpReply, HttpRequest } from '../../core/ports/http.js';
import type { Mark } from '../../core/ports/marks.js';
import type { Reception } from '../native-http/reception.js';
import { decodePoll, type PollAsked } from './decode.js';
import { answerRefusal, type DpsRefusal } from './errors.js';
import { PollConnection, type PollHost, SESSION_POLLED_MS } from './poll-connection.js';
import type { Site } from './site.js';

/** Messages of a channel that somebody who is new is shown. */
export const HISTORY_MESSAGES = 40;

/** The polls of this edge. */
export class Polls implements PollHost {
  readonly #site: Site;
  readonly #reception: Reception;
  /** The newest poll of each session. */
  readonly #newest = new Map<string, PollConnection>();
  /** Of requests without Origin, which most are. */
  #plainHeaders: Headers | null = null;

  constructor(site: Site, reception: Reception) {
    this.#site = site;
    this.#reception = reception;
  }

  serve(request: HttpRequest, reply: HttpReply): void {
    const headers = this.#headersFor(request);
    const refuse = (refused: DpsRefusal) => {
      this.#reception.report(reply, refused);
      answerRefusal(reply, refused, headers);
    };
    const asked = decodePoll(request.query);
    if ('code' in asked) {
      refuse(asked);
      return;
    }
    this.#reception.identified(request, reply, refuse, (identity) => {
      this.#enter(reply, headers, asked, identity).catch((error: unknown) => {
        refuse(this.#site.edge.refusalOf(error));
      });
    });
  }

  get nowMs(): number {
    return this.#site.deadlines.nowMs;
  }

  get isDraining(): boolean {
    return this.#site.edge.isDraining;
  }

  follow(topic: string, follower: Follower): void {
    this.#site.followers.follow(topic, follower);
  }

  unfollow(topic: string, follower: Follower): void {
    this.#site.followers.unfollow(topic, follower);
  }

  wait(poll: PollConnection): void {
    this.#site.deadlines.add(poll);
  }

  async note(
    poll: PollConnection,
    marks: readonly Mark[],
    lifeMs: number,
  ): Promise<Refusal | null> {
    if (marks.length === 0) return null;
    try {
      await this.#site.sessions.note(poll.visit.session, marks, lifeMs);
      return null;
    } catch (error) {
      const refused = this.#site.edge.refusalOf(error);
      if (poll.session !== null) this.#site.edge.refuse(poll.session, refused);
      return refused;
    }
  }

  over(poll: PollConnection): void {
    const { session } = poll.visit;
    this.#site.deadlines.remove(poll);
    if (this.#newest.get(session) === poll) this.#newest.delete(session);
    if (poll.session !== null) this.#site.edge.leave(poll.session, this.#site.pollPresenceMs);
  }

  /** @throws RefusedError where the session cannot be looked up */
  async #enter(
    reply: HttpReply,
    headers: Headers,
    asked: PollAsked,
    identity: Identity,
  ): Promise<void> {
    const session = sessionOf(asked.session, identity);
    const marks = await this.#site.sessions.read(session, SESSION_POLLED_MS);
    if (reply.isGone) return;
    const refused = this.#site.edge.turnsAwayClient(reply.addressKey, identity);
    if (refused !== null) throw new RefusedError(refused);
    const mark = markFor(asked.seq, marks);
    const channels = mark?.seen.map(([channel]) => channel) ?? asked.channels;
    const poll = new PollConnection(this, reply, {
      session,
      headers,
      seq: asked.seq,
      channels,
      mark,
    });
    this.#newest.get(session)?.giveWay();
    this.#newest.set(session, poll);
    poll.session = this.#reception.enter(poll, poll, identity);
    this.#subscribe(poll, poll.session);
  }

  #subscribe({ visit }: PollConnection, session: NonNullable<PollConnection['session']>): void {
    for (const [ref, channel] of visit.channels.entries()) {
      if (session.isGone) return;
      const after = visit.mark?.seen[ref]?.[1];
      execute(this.#site.edge, session, {
        type: 'subscribe',
        ref,
        channel,
        ...(after === undefined ? { last: HISTORY_MESSAGES } : { after }),
      });
    }
  }

  #headersFor(request: HttpRequest): Headers {
    if (request.origin !== '') return this.#reception.headersFor(request);
    this.#plainHeaders ??= this.#reception.headersFor(request);
    return this.#plainHeaders;
  }
}

/** A session is of who began it: the same name of another client is another one. */
function sessionOf(name: string, { clientId }: Identity): string {
  // No escaped name holds a slash.
  return `${clientId === null ? '' : escapeName(clientId)}/${name}`;
}

/** Where a session goes on: by what it shows, else by the least that is known of it. */
function markFor(seq: number, marks: readonly Mark[]): Mark | null {
  const shown = marks.findLast((mark) => mark.seq === seq);
  return shown ?? marks.toSorted((a, b) => a.seq - b.seq)[0] ?? null;
}
