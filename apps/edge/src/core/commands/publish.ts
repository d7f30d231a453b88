import { bodyOf, type PublishFrame, RefusedError, refusal } from '@halley/shared/protocol';
import type { Edge } from '../edge.js';
import { holdsRight, requireRight } from '../rights.js';
import type { Session } from '../session.js';

/** Publishes in the name of this connection. */
export async function publish(edge: Edge, session: Session, frame: PublishFrame): Promise<void> {
  const { channels, namespaces } = edge.services;
  const { channel, data, event, key, ref } = frame;
  // Nothing is waited for where nobody has to be asked.
  if (!holdsRight(edge, session, 'publish', channel)) {
    await requireRight(edge, session, 'publish', channel);
  }
  const options = namespaces.of(channel);
  checkPayload(data, options.maxPayloadBytes);
  const body = bodyOf({
    data,
    event,
    clientId: session.identity.clientId ?? undefined,
    connectionId: session.connectionId,
  });
  const outcome = await channels.publish(channel, body, options, key);
  if ('code' in outcome) throw new RefusedError(outcome);
  const { id, repeated } = outcome;
  session.send({ type: 'published', ref, id, ...(repeated === true && { repeated }) });
}

function checkPayload(data: string, maxBytes: number): void {
  // A text of n characters has at least n bytes and at most 3n.
  if (data.length * 3 <= maxBytes || Buffer.byteLength(data) <= maxBytes) return;
  throw new RefusedError(
    refusal('payload-too-large', `"data" may have at most ${maxBytes} bytes`, 'data'),
  );
}
