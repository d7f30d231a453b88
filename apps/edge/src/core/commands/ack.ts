import { type AckFrame, RefusedError, refusal } from '@halley/shared/protocol';
import type { Session } from '../session.js';

/** Acknowledges the client's private messages up to a position. */
export function ack(session: Session, frame: AckFrame): void {
  if (session.client?.ack(frame.id) === true) return;
  throw new RefusedError(
    refusal('bad-position', '"id" is no position that this client was given', 'id'),
  );
}
