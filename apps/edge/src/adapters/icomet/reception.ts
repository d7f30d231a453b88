import { icometName, type Refusal, RefusedError, refusal } from '@halley/shared/protocol';
import { execute } from '../../core/commands/index.js';
import type { Identity, Visitor } from '../../core/ports/authorizer.js';
import type { Headers, HttpReply, HttpRequest } from '../../core/ports/http.js';
import type { Place } from '../../core/ports/numbers.js';
import { withVisitor } from '../../core/rights.js';
import { visitorOf } from '../native/cookies.js';
import { namelessVisitor } from '../native/handshake.js';
import { isOriginAllowed } from '../native/origins.js';
import { answerProblem } from '../native-http/errors.js';
import { corsHeaders } from '../native-http/handshake.js';
import { type Asked, decodeAsked } from './decode.js';
import { type ObjectText, refusedText } from './encode.js';
import type { Room } from './rooms.js';
import type { Site } from './site.js';
import type { Subscriber } from './subscriber.js';

const COMMON_HEADERS: Headers = [
  ['Expires', '0'],
  ['Cache-Control', 'no-cache'],
  ['X-Content-Type-Options', 'nosniff'],
];

/** Somebody who is let in, and where it stands. */
export interface Guest {
  readonly asked: Asked;
  readonly identity: Identity;
  readonly room: Room;
  readonly place: Place;
}

/** One request to subscribe. */
export interface Call {
  readonly reply: HttpReply;
  readonly headers: Headers;
  readonly asked: Asked;
  /** Kept where a backend may be asked about it. */
  readonly visitor: Visitor | undefined;
}

/** Answers with one object, and ends. */
export type Tell = (object: ObjectText) => void;

/** What the subscribing paths have in common: who asks, may it, and where it stands. */
export class Reception {
  readonly site: Site;

  constructor(site: Site) {
    this.site = site;
  }

  headersFor(request: HttpRequest): Headers {
    return [...COMMON_HEADERS, ...corsHeaders(request, this.site.handshake)];
  }

  refuse(reply: HttpReply, refused: Refusal, headers: Headers): void {
    this.site.edge.refuseArrival(refused, reply.address());
    answerProblem(reply, refused, headers);
  }

  /** @returns null where it was refused: it cannot be answered at all */
  receive(request: HttpRequest, reply: HttpReply): Call | null {
    const headers = this.headersFor(request);
    const asked = this.site.edge.turnsAway(reply.addressKey) ?? this.#decode(request);
    if (!('code' in asked)) return { reply, headers, asked, visitor: this.#visitorOf(request) };
    this.refuse(reply, asked, headers);
    return null;
  }

  #visitorOf(request: HttpRequest): Visitor | undefined {
    const { keepsVisitors, origins } = this.site.handshake;
    if (!keepsVisitors) return undefined;
    return visitorOf({ ...request, isUpgrade: false }, origins);
  }

  #decode(request: HttpRequest): Asked | Refusal {
    const { handshake, isNumbered } = this.site;
    if (!isOriginAllowed(request, handshake.origins)) return refusal('origin-refused');
    const asked = decodeAsked(request.query);
    if ('code' in asked || isNumbered(asked.channel)) return asked;
    return refusal('bad-channel', 'the namespace of cname= lacks the option "icomet"', 'cname');
  }

  /** Resolves with whoever may subscribe; null where the call was answered, or its client has gone. */
  async admit(call: Call, tell: Tell): Promise<Guest | null> {
    try {
      return await this.#admit(call, tell);
    } catch (error) {
      this.refuse(call.reply, this.site.edge.refusalOf(error), call.headers);
      return null;
    }
  }

  async #admit(call: Call, tell: Tell): Promise<Guest | null> {
    const { asked, reply } = call;
    const identity = await this.#identityOf(call);
    if (reply.isGone) return null;
    if (identity === null) return this.#turnAway(call, tell, '401', 'Token error');
    const refused = this.site.edge.turnsAwayClient(reply.addressKey, identity);
    if (refused !== null) throw new RefusedError(refused);
    const room = this.site.rooms.enter(asked.channel);
    if (typeof room === 'string') return this.#turnAway(call, tell, '429', room);
    let place: Place;
    try {
      place = await this.site.numbers.locate(asked.channel, asked.seq);
    } catch (error) {
      this.site.rooms.leave(room);
      throw error;
    }
    room.advance(place.next);
    if (!reply.isGone) return { asked, identity, room, place };
    this.site.rooms.leave(room);
    return null;
  }

  /** Lets a guest in, who stands at the position. */
  enter(subscriber: Subscriber, { asked, identity, place }: Guest): void {
    const { edge, tokens } = this.site;
    const session = edge.enter({
      connectionId: this.site.newConnectionId(),
      connection: subscriber,
      wire: subscriber,
      identity,
    });
    subscriber.session = session;
    if (tokens !== null) session.grants = new Map([[asked.channel, identity]]);
    const after = place.before ?? place.top;
    execute(edge, session, { type: 'subscribe', ref: 0, channel: asked.channel, after });
  }

  /** @returns null for somebody without the right */
  async #identityOf({ asked, visitor }: Call): Promise<Identity | null> {
    const { channel, token } = asked;
    const nameless = namelessVisitor(visitor);
    const { tokens } = this.site;
    if (tokens !== null) return (await tokens.isToken(channel, token)) ? nameless : null;
    const { authorizer } = this.site.edge.services;
    const identity = isSigned(token) ? await authorizer.verify(token) : nameless;
    if ('code' in identity || authorizer.isRevoked(identity)) return null;
    const known = withVisitor(identity, visitor);
    if (authorizer.may('subscribe', channel, known)) return known;
    if (!authorizer.isAsked('subscribe', channel)) return null;
    const right = await authorizer.ask('subscribe', channel, known);
    if (!('code' in right)) return known;
    if (right.code === 'forbidden') return null;
    throw new RefusedError(right);
  }

  /** By an object, as iComet does, and not by a status. */
  #turnAway(call: Call, tell: Tell, type: '401' | '429', reason: string): null {
    const code = type === '401' ? 'bad-token' : 'too-many-channels';
    this.site.edge.refuseArrival(refusal(code, reason), call.reply.address());
    tell(refusedText(type, icometName(call.asked.channel), reason));
    return null;
  }
}

/** A token of the fleet: iComet's own mean nothing where it asks for none. */
function isSigned(token: string): boolean {
  return token.includes('.');
}
