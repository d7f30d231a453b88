import { RefusedError, refusal, type UnsubscribeFrame } from '@halley/shared/protocol';
import type { Edge } from '../edge.js';
import type { Session } from '../session.js';

/** Lets go of a channel; the other members are told at once, since this is meant. */
export function unsubscribe(edge: Edge, session: Session, frame: UnsubscribeFrame): void {
  const channel = session.holds(frame.channel);
  if (channel === undefined) {
    throw new RefusedError(refusal('not-subscribed', `"${frame.channel}" is not held`));
  }
  edge.release(session, channel, 0);
  session.send({ type: 'unsubscribed', ref: frame.ref, channel: frame.channel });
}
