/** Members of a channel: list them, end one's subscription. */

import { banMember } from '@halley/shared/auth';
import {
  MEMBERS_LIMIT_DEFAULT,
  MEMBERS_LIMIT_MAX,
  type RawJson,
  refusal,
} from '@halley/shared/protocol';
import { reading, readMembers, type StoredMember, writing } from '@halley/shared/redis';
import { revoke } from '../control/revocation.js';
import type { Services } from '../control/services.js';
import { after, channel, client, limit } from '../http/parameters.js';
import { type Route, reply, replyText, route } from '../http/route.js';
import { Count } from '../http/schemas.js';
import Type from '../http/typebox.js';

/** A ban that outlives a year is a matter for tokens. */
const BAN_MAX_SECONDS = 366 * 86_400;

const MemberList = Type.Object({
  count: Type.Integer({ minimum: 0, description: 'Members of the whole channel.' }),
  members: Type.Array(
    Type.Object({
      clientId: Type.String({ description: 'The connectionId of a nameless one.' }),
      info: Type.Optional(Type.Unknown()),
      connections: Count,
    }),
  ),
  more: Type.Boolean(),
});

const Kick = Type.Object(
  {
    code: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9-]{0,39}$',
        description: 'Told to the client in `unsubscribed`; by default `kicked`.',
      }),
    ),
    seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: BAN_MAX_SECONDS,
        description: 'How long the client may not come back.',
      }),
    ),
  },
  { additionalProperties: false },
);

export function memberRoutes(services: Services): Route[] {
  return [listRoute(services), kickRoute(services)];
}

function listRoute({ redis, settings }: Services): Route {
  return route({
    method: 'GET',
    path: '/channels/:name/members',
    operationId: 'listMembers',
    summary: 'Lists the members of a channel, by name.',
    role: 'read',
    params: { name: channel },
    query: {
      after: after(client),
      limit: limit(MEMBERS_LIMIT_DEFAULT, MEMBERS_LIMIT_MAX),
    },
    answers: { 200: MemberList },
    refusals: ['members-disabled', 'unavailable'],
    async handle({ params, query }) {
      if (!settings.namespaces.of(params.name).members) return refusal('members-disabled');
      const page = await reading(readMembers(redis, params.name, query.after, query.limit));
      const members = page.members.map(memberText).join(',');
      const text = `{"count":${page.count},"members":[${members}],"more":${page.more}}`;
      return replyText(200, text);
    },
  });
}

function memberText({ member, info, connections }: StoredMember): RawJson {
  const shown = info === null ? '' : `,"info":${info}`;
  return `{"clientId":${JSON.stringify(member)}${shown},"connections":${connections}}`;
}

function kickRoute(services: Services): Route {
  const { edges } = services;
  return route({
    method: 'DELETE',
    path: '/channels/:name/members/:clientId',
    operationId: 'kickMember',
    summary: 'Ends the subscription of a client to a channel; with `seconds`, bans it for a time.',
    role: 'admin',
    params: { name: channel, clientId: client },
    query: {},
    body: Kick,
    bodyOptional: true,
    answers: {
      200: Type.Object({
        edges: Type.Integer({ minimum: 0, description: 'Edges that were told.' }),
      }),
    },
    refusals: ['unavailable', 'outcome-unknown'],
    async handle({ params: { name, clientId }, body }) {
      // The ban first: a client that reconnects at once must find it.
      if (body.seconds !== undefined) {
        const endsAtSeconds = Math.ceil(Date.now() / 1_000) + body.seconds;
        await revoke(services, banMember(name, clientId), endsAtSeconds);
      }
      // To all edges: the channel's subscribers in Redis are up to a second old.
      const { code = 'kicked' } = body;
      const kick = { type: 'kick', channel: name, member: clientId, code } as const;
      const told = await writing(edges.tellAll(kick));
      return reply(200, { edges: told });
    },
  });
}
