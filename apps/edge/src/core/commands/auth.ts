import { type AuthFrame, RefusedError, refusal } from '@halley/shared/protocol';
import type { Edge } from '../edge.js';
import { withVisitor } from '../rights.js';
import type { Session } from '../session.js';

/** Takes a new token for the same client; channels that it gives no right to end. */
export async function auth(edge: Edge, session: Session, frame: AuthFrame): Promise<void> {
  const { authorizer } = edge.services;
  const identity = await authorizer.verify(frame.token);
  if ('code' in identity) throw new RefusedError(identity);
  if (identity.clientId !== session.identity.clientId) {
    throw new RefusedError(refusal('bad-token', '"token" is for another client', 'token'));
  }
  if (authorizer.isRevoked(identity)) throw new RefusedError(refusal('token-revoked'));
  if (session.isGone) return;
  session.identity = withVisitor(identity, session.identity.visitor);
  session.send({ type: 'authenticated', ref: frame.ref, expiresAt: identity.expiresAtMs });
  for (const channel of session.channels) {
    const isGranted = session.grants?.has(channel.name) === true;
    if (isGranted || authorizer.may('subscribe', channel.name, identity)) continue;
    edge.expel(session, channel, 'forbidden');
  }
}
