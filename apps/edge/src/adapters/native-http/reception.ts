import type { ClientFrame, Refusal, RefusedFrame } from '@halley/shared/protocol';
import { refusal } from '@halley/shared/protocol';
import { execute } from '../../core/commands/index.js';
import type { Identity } from '../../core/ports/authorizer.js';
import type { Connection } from '../../core/ports/connection.js';
import type { Headers, HttpReply, HttpRequest } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import type { Session } from '../../core/session.js';
import type { Asked } from './decode.js';
import { answerProblem } from './errors.js';
import { corsHeaders, hopelessness, identify } from './handshake.js';
import type { Site } from './site.js';

const COMMON_HEADERS: Headers = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];

export type Refuse = (refused: Refusal) => void;

/** What the routes of this door have in common: who asks, may it, and how it begins. */
export class Reception {
  readonly site: Site;

  constructor(site: Site) {
    this.site = site;
  }

  headersFor(request: HttpRequest): Headers {
    return [...COMMON_HEADERS, ...corsHeaders(request, this.site.handshake)];
  }

  refuse(reply: HttpReply, refused: Refusal, headers: Headers): void {
    this.report(reply, refused);
    answerProblem(reply, refused, headers);
  }

  report(reply: HttpReply, refused: Refusal): void {
    this.site.edge.refuseArrival(refused, reply.address());
  }

  /** Goes on with who asks, at once where that can be said at once. */
  identified(
    request: HttpRequest,
    reply: HttpReply,
    refuse: Refuse,
    next: (identity: Identity) => void,
  ): void {
    const { edge, handshake } = this.site;
    const turnedAway = edge.turnsAway(reply.addressKey);
    if (turnedAway !== null) {
      refuse(turnedAway);
      return;
    }
    const decide = (identity: Identity | Refusal) => {
      if (reply.isGone) return;
      if ('code' in identity) refuse(identity);
      else next(identity);
    };
    const identity = identify(request, edge, handshake);
    if (identity instanceof Promise) void identity.then(decide);
    else decide(identity);
  }

  /** The same for somebody who wants to receive: only if anything can ever come. */
  admit(
    request: HttpRequest,
    reply: HttpReply,
    asked: Asked,
    refuse: Refuse,
    next: (identity: Identity) => void,
  ): void {
    this.identified(request, reply, refuse, (identity) => {
      const { edge } = this.site;
      const refused =
        edge.turnsAwayClient(reply.addressKey, identity) ??
        hopelessness(edge, identity, asked) ??
        queueRefusal(asked, identity);
      if (refused === null) next(identity);
      else refuse(refused);
    });
  }

  /** Counts a frame of somebody without a connection that lasts. @returns why it is refused, or null */
  charge(
    reply: HttpReply,
    { clientId }: Identity,
    frame: ClientFrame | RefusedFrame,
  ): Refusal | null {
    const { edge } = this.site;
    const usage = edge.callers.usageOf(clientId ?? reply.addressKey);
    const refused = edge.rates.charge(usage, frame);
    if (refused !== null) this.report(reply, refused);
    return refused;
  }

  enter(connection: Connection, wire: Wire, identity: Identity): Session {
    const connectionId = this.site.newConnectionId();
    return this.site.edge.enter({ connectionId, connection, wire, identity });
  }

  /** Welcomes a session and subscribes it. Resolves when all has been asked, not answered. */
  async start(session: Session, asked: Asked): Promise<void> {
    const { edge } = this.site;
    await edge.welcome(session, asked.cursor?.queue ?? null);
    for (const [index, channel] of asked.channels.entries()) {
      if (session.isGone || session.isEnding) return;
      const after = asked.cursor?.channels[index] ?? null;
      const last = asked.lasts[index] ?? null;
      const token = asked.grants[index] ?? null;
      execute(edge, session, {
        type: 'subscribe',
        ref: index,
        channel,
        ...(after !== null && { after }),
        ...(after === null && last !== null && { last }),
        ...(token !== null && { token }),
      });
    }
  }
}

/** A nameless client has no queue that a cursor could speak of. */
function queueRefusal({ cursor }: Asked, { clientId }: Identity): Refusal | null {
  if (clientId !== null || cursor === null || cursor.queue === null) return null;
  return refusal('bad-cursor', 'cursor= is of a named client, and this one has no name', 'cursor');
}
