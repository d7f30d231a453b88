import { encodeMembers, type MembersFrame, RefusedError, refusal } from '@halley/shared/protocol';
import type { Edge } from '../edge.js';
import type { MemberRecord } from '../ports/stores.js';
import { requireRight } from '../rights.js';
import type { Session } from '../session.js';

/** Reads a page of a channel's members, in the order of their names. */
export async function members(edge: Edge, session: Session, frame: MembersFrame): Promise<void> {
  const { channel, ref, after, limit } = frame;
  await requireRight(edge, session, 'presence', channel);
  if (!edge.services.namespaces.of(channel).members) {
    throw new RefusedError(refusal('members-disabled'));
  }
  const page = await edge.services.members.page(channel, after, limit);
  session.sendText(
    encodeMembers({
      ref,
      channel,
      count: page.count,
      members: page.members.map(memberText),
      more: page.more,
    }),
  );
}

function memberText({ member, info }: MemberRecord): string {
  const clientId = `"clientId":${JSON.stringify(member)}`;
  return info === null ? `{${clientId}}` : `{${clientId},"info":${info}}`;
}
