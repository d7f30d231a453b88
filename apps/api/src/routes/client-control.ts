/** Ends connections of a client, or all that its tokens allow. */

import { clientMember } from '@halley/shared/auth';
import { closeNumber } from '@halley/shared/protocol';
import { partitionOfClient, reading, writing } from '@halley/shared/redis';
import { readEdgesOf } from '../control/client-state.js';
import { lastUseSeconds, revoke } from '../control/revocation.js';
import type { Services } from '../control/services.js';
import { client } from '../http/parameters.js';
import { type Route, reply, route } from '../http/route.js';
import { UnixSeconds } from '../http/schemas.js';
import Type from '../http/typebox.js';

/** Close codes of Halley: what each range asks of the client is in protocol/codes.ts. */
const CLOSE_MIN = 4_000;
const CLOSE_MAX = 4_399;

const EdgesTold = Type.Integer({ minimum: 0, description: 'Edges of the client that were told.' });

const Disconnect = Type.Object(
  {
    code: Type.Optional(
      Type.Integer({ minimum: CLOSE_MIN, maximum: CLOSE_MAX, default: CLOSE_MIN }),
    ),
  },
  { additionalProperties: false },
);

const Revoke = Type.Object(
  {
    issuedBefore: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 99_999_999_999,
        description: 'Tokens whose `iat` is below this unix second are revoked; default: now.',
      }),
    ),
  },
  { additionalProperties: false },
);

export function clientControlRoutes(services: Services): Route[] {
  return [disconnectRoute(services), revokeRoute(services)];
}

function disconnectRoute(services: Services): Route {
  return route({
    method: 'POST',
    path: '/clients/:id/disconnect',
    operationId: 'disconnectClient',
    summary: 'Closes the connections of a client with a close code, which says what it does next.',
    role: 'admin',
    params: { id: client },
    query: {},
    body: Disconnect,
    bodyOptional: true,
    answers: { 200: Type.Object({ edges: EdgesTold }) },
    refusals: ['unavailable', 'outcome-unknown'],
    async handle({ params: { id }, body }) {
      const edges = await disconnect(services, id, body.code ?? closeNumber('disconnected'));
      return reply(200, { edges });
    },
  });
}

function revokeRoute(services: Services): Route {
  const { maxSeconds } = services.settings.token;
  return route({
    method: 'POST',
    path: '/clients/:id/revoke',
    operationId: 'revokeClient',
    summary: 'Revokes the tokens of a client that were issued before a time.',
    role: 'admin',
    params: { id: client },
    query: {},
    body: Revoke,
    bodyOptional: true,
    answers: { 200: Type.Object({ issuedBefore: UnixSeconds, edges: EdgesTold }) },
    refusals: ['unavailable', 'outcome-unknown'],
    async handle({ params: { id }, body }) {
      const nowSeconds = Date.now() / 1_000;
      // `iat` counts whole seconds: a token of this very second is older than now, too.
      const issuedBefore = body.issuedBefore ?? Math.floor(nowSeconds) + 1;
      await revoke(
        services,
        clientMember(id, issuedBefore),
        lastUseSeconds(issuedBefore, maxSeconds),
      );
      // Connections of newer tokens may stay; which those are, the edges know.
      const isAll = issuedBefore >= nowSeconds;
      const edges = isAll ? await disconnect(services, id, closeNumber('token-revoked')) : 0;
      return reply(200, { issuedBefore, edges });
    },
  });
}

/** @returns the number of edges that were told */
async function disconnect(
  { redis, edges }: Services,
  clientId: string,
  close: number,
): Promise<number> {
  const holders = await reading(readEdgesOf(redis, clientId));
  const message = { type: 'disconnect', clientId, close } as const;
  return writing(edges.tell(holders, partitionOfClient(clientId), message));
}
