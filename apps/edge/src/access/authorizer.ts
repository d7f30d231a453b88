import {
  type Claims,
  may,
  type Revocations,
  type Rule,
  type TokenVerifier,
} from '@halley/shared/auth';
import { type Refusal, refusal } from '@halley/shared/protocol';
import type { Action, Authorizer, Grant, Identity } from '../core/ports/authorizer.js';
import type { Backends } from './backend.js';
import { TokenIdentity } from './token-identity.js';

/** The rules of a namespace. */
export interface RuleTable {
  of(channel: string): Readonly<Record<Action, Rule>> & { readonly authorizeUrl?: string };
}

/** Rights out of tokens, namespace rules and revocations. */
export class TokenAuthorizer implements Authorizer {
  readonly #verifier: TokenVerifier;
  readonly #rules: RuleTable;
  readonly #revocations: Revocations;
  readonly #backends: Backends | null;

  constructor(
    verifier: TokenVerifier,
    rules: RuleTable,
    revocations: Revocations,
    backends: Backends | null,
  ) {
    this.#backends = backends;
    this.#verifier = verifier;
    this.#rules = rules;
    this.#revocations = revocations;
  }

  may(action: Action, channel: string, identity: Identity): boolean {
    const rule = this.#rules.of(channel)[action];
    return may(action, channel, rule, tokenOf(identity), identity.clientId !== null);
  }

  verify(token: string): Identity | Refusal | Promise<Identity | Refusal> {
    const verified = this.#verifier.verify(token, Date.now());
    return verified instanceof Promise ? verified.then(identityOf) : identityOf(verified);
  }

  async grant(token: string, channel: string, identity: Identity): Promise<Identity | Refusal> {
    const claims = await this.#verifier.verify(token, Date.now());
    if ('code' in claims) return claims;
    if (claims.channel !== channel) {
      return refusal('bad-token', '"token" is for another channel', 'token');
    }
    if (identity.clientId !== null && identity.clientId !== claims.clientId) {
      return refusal('bad-token', '"token" is for another client', 'token');
    }
    if (this.#revocations.isRevoked(claims, Date.now())) return refusal('token-revoked');
    if (!may('subscribe', channel, this.#rules.of(channel).subscribe, claims, true)) {
      return refusal('forbidden', `nobody may subscribe to "${channel}"`);
    }
    return new TokenIdentity(claims, Date.now());
  }

  isAsked(action: Action, channel: string): boolean {
    const rules = this.#rules.of(channel);
    return rules.authorizeUrl !== undefined && rules[action] === 'token';
  }

  async ask(action: Action, channel: string, identity: Identity): Promise<Grant | Refusal> {
    const { authorizeUrl } = this.#rules.of(channel);
    if (authorizeUrl === undefined || this.#backends === null) return refusal('forbidden');
    const answer = await this.#backends.ask(authorizeUrl, action, channel, identity);
    if ('code' in answer) return answer;
    const { allow, untilMs, info } = answer;
    if (!allow) return refusal('forbidden', `the backend does not allow it on "${channel}"`);
    return { clientId: identity.clientId, info, expiresAtMs: untilMs, askAgainAtMs: untilMs };
  }

  isRevoked(identity: Identity): boolean {
    const token = tokenOf(identity);
    return token !== null && this.#revocations.isRevoked(token, Date.now());
  }

  bannedUntil(channel: string, member: string): number | null {
    return this.#revocations.bannedUntil(channel, member, Date.now());
  }

  bans(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#revocations.bans(Date.now());
  }
}

function identityOf(verified: Claims | Refusal): Identity | Refusal {
  return 'code' in verified ? verified : new TokenIdentity(verified, Date.now());
}

/** Others (trusted names, nameless) have none. */
function tokenOf(identity: Identity): TokenIdentity | null {
  return identity instanceof TokenIdentity ? identity : null;
}
