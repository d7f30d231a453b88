import type { Refusal } from '@halley/shared/protocol';
import type { Identity } from '../../core/ports/authorizer.js';
import type { HttpDoor, HttpReply, HttpRequest, HttpRoute } from '../../core/ports/http.js';
import { type Asked, decodeAsked } from './decode.js';
import { answerRefusal } from './errors.js';
import { identify } from './handshake.js';
import { ParkedConnection } from './parked-connection.js';
import type { Site } from './site.js';

/** The door of MegaComet's clients: any path of a port of its own, by any method. */
export class MegacometDoor implements HttpDoor {
  readonly routes: readonly HttpRoute[];
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
    const serve = (request: HttpRequest, reply: HttpReply) => this.#serve(request, reply);
    this.routes = [{ method: 'any', path: '/*', bodyMaxBytes: 0, serve }];
  }

  #serve(request: HttpRequest, reply: HttpReply): void {
    const asked = decodeAsked(request);
    const turnedAway = asked === null ? null : this.#site.edge.turnsAway(reply.addressKey);
    if (asked === null) reply.close();
    else if (turnedAway !== null) this.#refuse(reply, turnedAway);
    else if ('code' in asked) this.#refuse(reply, asked);
    else this.#admit(request, reply, asked);
  }

  #admit(request: HttpRequest, reply: HttpReply, asked: Asked): void {
    const { edge, handshake } = this.#site;
    const decide = (identity: Identity | Refusal) => {
      if (reply.isGone) return;
      if ('code' in identity) {
        this.#refuse(reply, identity);
        return;
      }
      const refused = edge.turnsAwayClient(reply.addressKey, identity);
      if (refused !== null) this.#refuse(reply, refused);
      else this.#park(reply, asked.callback, identity);
    };
    const identity = identify(request, asked, edge.services.authorizer, handshake);
    if (identity instanceof Promise) void identity.then(decide);
    else decide(identity);
  }

  #park(reply: HttpReply, callback: string | null, identity: Identity): void {
    const { edge } = this.#site;
    const connection = new ParkedConnection(this.#site, reply, callback);
    const connectionId = this.#site.newConnectionId();
    connection.session = edge.enter({ connectionId, connection, wire: connection, identity });
    void edge.welcome(connection.session, null);
  }

  #refuse(reply: HttpReply, refused: Refusal): void {
    this.#site.edge.refuseArrival(refused, reply.address());
    answerRefusal(reply, refused);
  }
}
