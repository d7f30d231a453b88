/** Signs and revokes tokens, for backends that have no JWT library at hand. */

import {
  signToken,
  TOKEN_ID_MAX_CHARS,
  TOKEN_INFO_MAX_BYTES,
  TOKEN_LIST_MAX_ITEMS,
  TOKEN_TTL_DEFAULT_SECONDS,
  tokenMember,
} from '@halley/shared/auth';
import {
  type RawJson,
  type Refusal,
  rawMember,
  refusal,
  TOKEN_MAX_BYTES,
} from '@halley/shared/protocol';
import { lastUseSeconds, revoke } from '../control/revocation.js';
import type { Services } from '../control/services.js';
import { given } from '../http/parameters.js';
import { type Route, reply, route } from '../http/route.js';
import { ChannelName, ChannelPattern, ClientId, UnixSeconds } from '../http/schemas.js';
import Type, { type Static } from '../http/typebox.js';

/** Unreserved characters of URLs (RFC 3986): what other signers use as `jti` fits as well. */
const JTI_PATTERN = new RegExp(`^[A-Za-z0-9._~-]{1,${TOKEN_ID_MAX_CHARS}}$`);

const Patterns = Type.Array(ChannelPattern, { maxItems: TOKEN_LIST_MAX_ITEMS });

function tokenBody(maxSeconds: number) {
  return Type.Object(
    {
      clientId: ClientId,
      ttlSeconds: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: maxSeconds,
          default: Math.min(TOKEN_TTL_DEFAULT_SECONDS, maxSeconds),
        }),
      ),
      subscribe: Type.Optional(Patterns),
      publish: Type.Optional(Patterns),
      presence: Type.Optional(Patterns),
      info: Type.Optional(
        Type.Unknown({
          description: `Shown to other members of channels; at most ${TOKEN_INFO_MAX_BYTES} bytes.`,
        }),
      ),
      channel: Type.Optional(ChannelName),
    },
    { additionalProperties: false },
  );
}

type TokenBody = Static<ReturnType<typeof tokenBody>>;

const SignedToken = Type.Object({
  token: Type.String(),
  jti: Type.String(),
  expiresAt: UnixSeconds,
});

export function tokenRoutes(services: Services): Route[] {
  return [signRoute(services), revokeRoute(services)];
}

function signRoute({ settings }: Services): Route {
  const { secret, issuer, audience, maxSeconds } = settings.token;
  return route({
    method: 'POST',
    path: '/tokens',
    operationId: 'signToken',
    summary: 'Signs a token for a client (HS256, with the configured secret).',
    role: 'admin',
    params: {},
    query: {},
    body: tokenBody(maxSeconds),
    answers: { 201: SignedToken },
    refusals: ['signing-disabled'],
    handle({ body, bodyText }) {
      if (secret === undefined) return refusal('signing-disabled');
      const { info: _, ...claims } = body;
      const info = infoOf(body, bodyText);
      if (typeof info === 'object') return info;
      const { token, jti, expiresAtSeconds } = signToken(secret, {
        ...claims,
        ttlSeconds: body.ttlSeconds ?? Math.min(TOKEN_TTL_DEFAULT_SECONDS, maxSeconds),
        ...(info !== undefined && { info }),
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      });
      if (token.length > TOKEN_MAX_BYTES) return refusal('bad-field', TOO_LONG, 'subscribe');
      return reply(201, { token, jti, expiresAt: expiresAtSeconds });
    },
  });
}

const TOO_LONG = `the lists make a token of more than ${TOKEN_MAX_BYTES} bytes, which edges refuse`;

/** As it was posted, so that its numbers keep their digits. */
function infoOf(body: TokenBody, bodyText: string): RawJson | Refusal | undefined {
  if (body.info === undefined) return undefined;
  const info = rawMember(bodyText, 'info') ?? 'null';
  const bytes = Buffer.byteLength(info);
  if (bytes <= TOKEN_INFO_MAX_BYTES) return info;
  const text = `"info" has ${bytes} bytes; at most ${TOKEN_INFO_MAX_BYTES} are allowed`;
  return refusal('bad-field', text, 'info');
}

function revokeRoute(services: Services): Route {
  const { maxSeconds } = services.settings.token;
  return route({
    method: 'DELETE',
    path: '/tokens/:jti',
    operationId: 'revokeToken',
    summary: 'Revokes one token: no edge accepts it from now on, and its connections end.',
    role: 'admin',
    params: { jti: given('The `jti` of a token.', JTI_PATTERN) },
    query: {},
    answers: { 200: Type.Object({ revoked: Type.String({ description: 'The `jti`.' }) }) },
    refusals: ['unavailable', 'outcome-unknown'],
    async handle({ params: { jti } }) {
      await revoke(services, tokenMember(jti), lastUseSeconds(Date.now() / 1_000, maxSeconds));
      return reply(200, { revoked: jti });
    },
  });
}
