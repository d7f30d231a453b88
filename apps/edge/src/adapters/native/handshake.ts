import {
  isClientId,
  isPosition,
  type Position,
  type Refusal,
  refusal,
} from '@halley/shared/protocol';
import type { Authorizer, Identity, Visitor } from '../../core/ports/authorizer.js';
import type { UpgradeRequest } from '../../core/ports/door.js';
import { withVisitor } from '../../core/rights.js';
import { cookieToken, visitorOf } from './cookies.js';
import { isOriginAllowed, type Origins } from './origins.js';

export const SUBPROTOCOL = 'halley.v1';
const BEARER_PROTOCOL = 'bearer.';

export interface HandshakeOptions {
  readonly origins: Origins;
  /** `client=` may name a client without a token. */
  readonly trustsClientIds: boolean;
  /** Name of the cookie that may hold a token; null: none does. */
  readonly tokenCookie: string | null;
  /** Some namespace asks a backend, which is told where a visitor comes from. */
  readonly keepsVisitors: boolean;
}

export interface Admitted {
  readonly identity: Identity;
  readonly queueAfter: Position | null;
  readonly protocol: string;
}

/** A browser cannot read a refused upgrade: the connection is made, and closed with the code. */
export interface Refused {
  readonly refused: Refusal;
  readonly protocol: string;
}

export type Admission = Admitted | Refused;

const NAMELESS: Identity = {
  clientId: null,
  expiresAtMs: Number.POSITIVE_INFINITY,
  info: null,
};

/** Refuses somebody at whom nobody has looked. */
export function turnedAway({ protocols }: UpgradeRequest, refused: Refusal): Refused {
  return { refused, protocol: protocolOf(splitProtocols(protocols)) };
}

/** Who knocks. Synchronous where the token is an HMAC, so that a storm of connects waits for nothing. */
export function shakeHands(
  request: Omit<UpgradeRequest, 'addressKey'>,
  authorizer: Authorizer,
  options: HandshakeOptions,
): Admission | Promise<Admission> {
  const offered = splitProtocols(request.protocols);
  const protocol = protocolOf(offered);
  const query = new URLSearchParams(request.query);
  if (!isOriginAllowed(request, options.origins)) {
    return { refused: refusal('origin-refused'), protocol };
  }
  const after = query.get('queueAfter');
  if (after !== null && !isPosition(after)) {
    return {
      refused: refusal('bad-position', 'queueAfter= must be a position as an edge gave it'),
      protocol,
    };
  }
  const visitor = options.keepsVisitors ? visitorOf(request, options.origins) : undefined;
  const token =
    query.get('token') ??
    bearerOf(request.authorization) ??
    protocolToken(offered) ??
    cookieToken(request, options);
  if (token === null) {
    const admitted = nameless(query.get('client'), options, visitor);
    return { ...admitted, queueAfter: after, protocol };
  }
  const verified = authorizer.verify(token);
  const admit = (identity: Identity | Refusal): Admission => {
    if ('code' in identity) return { refused: identity, protocol };
    if (authorizer.isRevoked(identity)) return { refused: refusal('token-revoked'), protocol };
    return { identity: withVisitor(identity, visitor), queueAfter: after, protocol };
  };
  return verified instanceof Promise ? verified.then(admit) : admit(verified);
}

function nameless(
  clientId: string | null,
  { trustsClientIds }: HandshakeOptions,
  visitor: Visitor | undefined,
): { identity: Identity } | { refused: Refusal } {
  if (clientId === null) return { identity: namelessVisitor(visitor) };
  if (!trustsClientIds) {
    return { refused: refusal('bad-client', 'client= needs a token on this server') };
  }
  if (!isClientId(clientId)) {
    return {
      refused: refusal('bad-client', 'client= must be 1-200 bytes without control characters'),
    };
  }
  const named: Identity = { clientId, expiresAtMs: Number.POSITIVE_INFINITY, info: null };
  return { identity: withVisitor(named, visitor) };
}

/** Without a name, and without an object of its own where there is nothing to keep of it. */
export function namelessVisitor(visitor: Visitor | undefined): Identity {
  return visitor === undefined ? NAMELESS : { ...NAMELESS, visitor };
}

function bearerOf(authorization: string): string | null {
  const match = /^Bearer +([^ ]+)$/i.exec(authorization);
  return match?.[1] ?? null;
}

function splitProtocols(header: string): string[] {
  return header === '' ? [] : header.split(',').map((protocol) => protocol.trim());
}

function protocolOf(offered: readonly string[]): string {
  return offered.includes(SUBPROTOCOL) ? SUBPROTOCOL : '';
}

function protocolToken(offered: readonly string[]): string | null {
  const bearer = offered.find((protocol) => protocol.startsWith(BEARER_PROTOCOL));
  return bearer === undefined ? null : bearer.slice(BEARER_PROTOCOL.length);
}
