import {
  type Refusal,
  RefusedError,
  refusal,
  type SubscribedFrame,
  type SubscribeFrame,
} from '@halley/shared/protocol';
import type { Channel } from '../channel.js';
import { type Edge, recoveryOf } from '../edge.js';
import { askFor, holdsRight } from '../rights.js';
import type { Session } from '../session.js';
import type { Start } from '../start.js';

/**
 * Takes a channel, or takes a held one anew (with a replay if the frame asks for one). The answer, the
 * replay and the first live message leave in one turn and in this order.
 */
export async function subscribe(
  edge: Edge,
  session: Session,
  frame: SubscribeFrame,
): Promise<void> {
  try {
    await enter(edge, session, frame);
  } catch (error) {
    // A right for a channel that it does not hold would be kept for nothing.
    if (session.holds(frame.channel) === undefined) session.grants?.delete(frame.channel);
    throw error;
  }
}

async function enter(edge: Edge, session: Session, frame: SubscribeFrame): Promise<void> {
  if (frame.token !== undefined) await takeGrant(edge, session, frame.channel, frame.token);
  await takeWord(edge, session, frame.channel);
  const refused = refusalOf(edge, session, frame.channel);
  if (refused !== null) throw new RefusedError(refused);
  const held = session.holds(frame.channel);
  if (held !== undefined) return restart(edge, session, held, frame);
  const channel = await open(edge, session, frame.channel);
  if (channel === null) return;
  session.take(channel);
  try {
    await start(session, channel, frame, () =>
      edge.members.enter(channel, {
        member: session.member,
        info: session.infoIn(channel.name),
      }),
    );
  } catch (error) {
    if (session.holds(channel.name) === channel) edge.release(session, channel, 0);
    throw error;
  }
}

/** @returns null where the session ended meanwhile */
async function open(edge: Edge, session: Session, name: string): Promise<Channel | null> {
  const { channelsPerConnection } = edge.services.limits;
  if (session.channels.length + session.opening >= channelsPerConnection) {
    throw tooMany(channelsPerConnection);
  }
  session.opening += 1;
  const channel = await edge.channels.hold(name).finally(() => {
    session.opening -= 1;
  });
  // A ban or another token may have come while Redis was asked.
  const refused = session.isGone ? null : refusalOf(edge, session, name);
  if (!session.isGone && refused === null) return channel;
  edge.channels.release(channel);
  if (refused !== null) throw new RefusedError(refused);
  return null;
}

/** Live messages pause until the replay, which holds them too; without a replay they just go on. */
async function restart(
  edge: Edge,
  session: Session,
  channel: Channel,
  frame: SubscribeFrame,
): Promise<void> {
  const replays = frame.after !== undefined || frame.last !== undefined;
  if (replays) channel.leave(session);
  try {
    await start(session, channel, frame, () => edge.members.count(channel, session.member));
  } catch (error) {
    // It holds the channel still, but has missed what came meanwhile.
    if (replays && session.holds(channel.name) === channel) channel.rejoin(session);
    throw error;
  }
}

async function start(
  session: Session,
  channel: Channel,
  frame: SubscribeFrame,
  countMembers: () => Promise<number>,
): Promise<void> {
  const members = channel.options.members ? await countMembers() : null;
  if (session.isGone) return;
  const announce = (begin: Start): boolean => {
    // Kicked, or its right has ended, while Redis was asked.
    if (session.holds(channel.name) !== channel) return false;
    session.send(subscribedFrame(frame, begin, members));
    return true;
  };
  if (frame.after !== undefined) await channel.beginAfter(session, frame.after, announce);
  else if (frame.last !== undefined) await channel.beginBefore(session, frame.last, announce);
  else channel.beginHere(session, announce);
  if (!session.isGone && session.holds(channel.name) !== channel) {
    throw new RefusedError(refusal('not-subscribed', 'the subscription was ended meanwhile'));
  }
}

function subscribedFrame(
  { ref, channel }: SubscribeFrame,
  begin: Start,
  members: number | null,
): SubscribedFrame {
  return {
    type: 'subscribed',
    ref,
    channel,
    ...recoveryOf(begin),
    ...(members !== null && { members }),
  };
}

async function takeGrant(
  edge: Edge,
  session: Session,
  channel: string,
  token: string,
): Promise<void> {
  const grant = await edge.services.authorizer.grant(token, channel, session.identity);
  if ('code' in grant) throw new RefusedError(grant);
  session.grant(channel, grant);
}

/** Takes the right that a backend gives where there is none yet. */
async function takeWord(edge: Edge, session: Session, channel: string): Promise<void> {
  const right = await askFor(edge, session, 'subscribe', channel);
  if (right !== null && !session.isGone) session.grant(channel, right);
}

/** Why this session may not subscribe to a channel now, or null. */
function refusalOf(edge: Edge, session: Session, channel: string): Refusal | null {
  if (!holdsRight(edge, session, 'subscribe', channel)) {
    return refusal('forbidden', `no right to subscribe to "${channel}"`);
  }
  const { authorizer, clock } = edge.services;
  const bannedUntil = authorizer.bannedUntil(channel, session.member);
  if (bannedUntil === null) return null;
  return { ...refusal('banned'), retryAfterMs: Math.max(0, bannedUntil - clock.now()) };
}

function tooMany(max: number): RefusedError {
  return new RefusedError(
    refusal('too-many-channels', `a connection holds at most ${max} channels`),
  );
}
