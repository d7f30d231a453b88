import type { Edge } from './edge.js';
import type { Grant } from './ports/authorizer.js';
import { renewRight } from './rights.js';
import type { Session } from './session.js';

/** How often readers are looked at: at 1 MiB a sweep, four times as much a second can pass. */
const SWEEP_MS = 250;

/** Cuts slow readers, expired tokens and expired rights. One timer for all sessions, none for each. */
export function startSweep(edge: Edge): () => void {
  const timer = setInterval(() => sweep(edge), SWEEP_MS).unref();
  return () => clearInterval(timer);
}

function sweep(edge: Edge): void {
  const nowMs = edge.services.clock.now();
  const { slowReaderBytes } = edge.services.limits;
  edge.callers.sweep(nowMs);
  for (const session of edge.sessions) {
    if (session.usage?.isOver(nowMs) === true) session.usage = null;
    if (session.isEnding) continue;
    if (session.connection.bufferedBytes() > slowReaderBytes) cutSlowReader(edge, session);
    else if (session.identity.expiresAtMs <= nowMs) edge.cut(session, 'token-expired');
    else if (session.grants !== null) endGrants(edge, session, session.grants, nowMs);
  }
}

/** Nothing more is queued for it, so that the close frame still finds room. */
function cutSlowReader(edge: Edge, session: Session): void {
  for (const channel of session.channels) session.connection.unfollow(channel.name);
  edge.cut(session, 'slow-reader');
}

function endGrants(
  edge: Edge,
  session: Session,
  grants: ReadonlyMap<string, Grant>,
  nowMs: number,
): void {
  for (const [name, { expiresAtMs, askAgainAtMs }] of grants) {
    if (expiresAtMs > nowMs) continue;
    if (askAgainAtMs === undefined) edge.endGrant(session, name, 'token-expired');
    else void renewRight(edge, session, name);
  }
}
