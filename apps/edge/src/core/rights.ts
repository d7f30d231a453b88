import { RefusedError, refusal } from '@halley/shared/protocol';
import type { Edge } from './edge.js';
import type { Action, Grant, Identity, Visitor } from './ports/authorizer.js';
import type { Session } from './session.js';

const NO_RIGHT: Readonly<Record<Action, string>> = {
  subscribe: 'subscribe to',
  publish: 'publish to',
  history: 'read the history of',
  presence: 'see the members of',
};

/** A right of the identity or, for all but publishing, one for this channel alone. */
export function holdsRight(edge: Edge, session: Session, action: Action, channel: string): boolean {
  if (action !== 'publish' && session.grants?.has(channel) === true) return true;
  return edge.services.authorizer.may(action, channel, session.identity);
}

/**
 * Asks the backend of the namespace, if it has one and nothing else gives the right.
 * @returns null where there is nothing to ask
 * @throws RefusedError as the backend decides, or where it does not
 */
export async function askFor(
  edge: Edge,
  session: Session,
  action: Action,
  channel: string,
): Promise<Grant | null> {
  const { authorizer } = edge.services;
  if (holdsRight(edge, session, action, channel) || !authorizer.isAsked(action, channel)) {
    return null;
  }
  const right = await authorizer.ask(action, channel, session.identity);
  if ('code' in right) throw new RefusedError(right);
  return right;
}

/** @throws RefusedError where the session has no right, and no backend gives it one */
export async function requireRight(
  edge: Edge,
  session: Session,
  action: Action,
  channel: string,
): Promise<void> {
  if (holdsRight(edge, session, action, channel)) return;
  if ((await askFor(edge, session, action, channel)) !== null) return;
  throw new RefusedError(forbidden(action, channel));
}

export function forbidden(action: Action, channel: string) {
  return refusal('forbidden', `no right to ${NO_RIGHT[action]} "${channel}"`);
}

/** @param identity made for one connection: it is written into */
export function withVisitor(identity: Identity, visitor: Visitor | undefined): Identity {
  return visitor === undefined ? identity : Object.assign(identity, { visitor });
}

/** Asks again about a right that a backend gave for a time. Only its no ends the subscription. */
export async function renewRight(edge: Edge, session: Session, name: string): Promise<void> {
  const { authorizer, clock, limits } = edge.services;
  const channel = session.holds(name);
  const ended = session.grants?.get(name);
  if (ended?.askAgainAtMs === undefined) return;
  if (channel === undefined || authorizer.may('subscribe', name, session.identity)) {
    session.grants?.delete(name);
    return;
  }
  const waiting: Grant = { ...ended, expiresAtMs: Number.POSITIVE_INFINITY };
  session.grant(name, waiting);
  const renewed = await authorizer.ask('subscribe', name, session.identity);
  // Left, kicked, or let in by a token meanwhile.
  if (session.isGone || session.grants?.get(name) !== waiting) return;
  if (!('code' in renewed)) {
    session.grant(name, renewed);
    return;
  }
  const nowMs = clock.now();
  const isPatient = nowMs < ended.askAgainAtMs + limits.authorizeGraceMs;
  if (renewed.code === 'authorizer-unavailable' && isPatient) {
    session.grant(name, { ...ended, expiresAtMs: nowMs + (renewed.retryAfterMs ?? 0) });
  } else {
    const isDenied = renewed.code === 'forbidden';
    edge.expel(session, channel, isDenied ? 'forbidden' : 'authorizer-unavailable');
  }
}
