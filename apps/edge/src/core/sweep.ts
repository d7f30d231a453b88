import type { Edge } from './edge.js';
import type { Grant } from './ports/authorizer.js';
import { renewRight } from './rights.js';
import type { Session } from './session.js';

const SWEEP_MS = 250;
/** In so many sweeps all sessions are looked at: an edge of many that do nothing has nothing to do. */
const SLICES = 4;
/** Of the bytes that may wait for a reader: after so many handed out all readers are looked at at once. */
const HASTE_SHARE = 0.25;

/** Cuts slow readers, expired tokens and expired rights. One timer for all sessions, none for each. */
export class Sweep {
  readonly #edge: Edge;
  #walk: Iterator<Session>;
  #bytesSeen = 0;
  #bytesWaiting = 0;

  constructor(edge: Edge) {
    this.#edge = edge;
    this.#walk = edge.sessions.values();
  }

  /** Of all readers, when all had last been looked at. */
  get bytesWaiting(): number {
    return this.#bytesWaiting;
  }

  /** @returns how to stop */
  start(): () => void {
    const timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    return () => clearInterval(timer);
  }

  #sweep(): void {
    const { services, sessions, callers } = this.#edge;
    const nowMs = services.clock.now();
    callers.sweep(nowMs);
    const isHasty = services.outflow.takeAbove(services.limits.slowReaderBytes * HASTE_SHARE);
    if (isHasty) this.#beginAnew();
    this.#look(
      isHasty ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(sessions.size / SLICES)),
      nowMs,
    );
  }

  #look(count: number, nowMs: number): void {
    for (let looked = 0; looked < count; looked += 1) {
      const { done, value: session } = this.#walk.next();
      if (done === true) {
        this.#bytesWaiting = this.#bytesSeen;
        this.#beginAnew();
        return;
      }
      const bytes = session.connection.bufferedBytes();
      this.#bytesSeen += bytes;
      lookAt(this.#edge, session, bytes, nowMs);
    }
  }

  #beginAnew(): void {
    this.#walk = this.#edge.sessions.values();
    this.#bytesSeen = 0;
  }
}

function lookAt(edge: Edge, session: Session, bytesWaiting: number, nowMs: number): void {
  if (session.usage?.isOver(nowMs) === true) session.usage = null;
  if (session.isEnding) return;
  if (bytesWaiting > edge.services.limits.slowReaderBytes) cutSlowReader(edge, session);
  else if (session.identity.expiresAtMs <= nowMs) edge.cut(session, 'token-expired');
  else if (session.grants !== null) endGrants(edge, session, session.grants, nowMs);
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
