import { type Refusal, refusal } from '@halley/shared/protocol';
import type { Authorizer, Identity } from '../../core/ports/authorizer.js';
import type { HttpRequest } from '../../core/ports/http.js';
import type { HandshakeOptions } from '../native/handshake.js';
import { isOriginAllowed } from '../native/origins.js';
import type { Asked } from './decode.js';

/** A client by its name alone. A class, for the two fields that it spares each of very many. */
class NamedClient implements Identity {
  readonly clientId: string;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  get expiresAtMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  get info(): null {
    return null;
  }
}

/** Whether who asks is the client of the id: by a token, or by its word where that is trusted. */
export function identify(
  request: HttpRequest,
  { clientId, token }: Asked,
  authorizer: Authorizer,
  { origins, trustsClientIds }: HandshakeOptions,
): Identity | Refusal | Promise<Identity | Refusal> {
  if (!isOriginAllowed(request, origins)) return refusal('origin-refused');
  if (token === null) {
    if (trustsClientIds) return new NamedClient(clientId);
    return refusal('bad-token', 'an id needs token= on this server', 'token');
  }
  const decide = (identity: Identity | Refusal): Identity | Refusal => {
    if ('code' in identity) return identity;
    if (identity.clientId !== clientId) {
      return refusal('bad-token', 'token= is of another client', 'token');
    }
    return authorizer.isRevoked(identity) ? refusal('token-revoked') : identity;
  };
  const verified = authorizer.verify(token);
  return verified instanceof Promise ? verified.then(decide) : decide(verified);
}
