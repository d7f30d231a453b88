import { closeNumber } from '@halley/shared/protocol';
import type { Edge } from './edge.js';
import type { Session } from './session.js';

export interface DrainOptions {
  /** How long new connections are still taken, and told to go elsewhere, ms. */
  readonly graceMs: number;
  /** Until the last connection is closed, ms. */
  readonly windowMs: number;
  /** Closes the listening socket. */
  stopListening(): void;
}

const TICK_MS = 50;
/** Share of the window over which the goodbyes are spread; the rest is for those who are slow to go. */
const SPREAD = 0.8;

/**
 * Empties an edge: its clients open their next connection elsewhere, resume there, and close the old
 * one, spread over the window so that nobody is hit by a storm. Resolves when all are gone.
 */
export async function drain(edge: Edge, options: DrainOptions): Promise<void> {
  const { clock } = edge.services;
  edge.isDraining = true;
  const startMs = clock.now();
  const graceMs = edge.sessions.size === 0 ? 0 : options.graceMs;
  await pause(graceMs);
  // What the kernel has accepted for us is read in the turn before the socket closes.
  await pause(0);
  edge.isClosed = true;
  options.stopListening();

  const deadlineMs = startMs + options.windowMs;
  const waiting = [...edge.sessions];
  const total = waiting.length;
  const spreadMs = SPREAD * Math.max(0, deadlineMs - clock.now());
  const beginMs = clock.now();
  while (edge.sessions.size > 0 && clock.now() < deadlineMs) {
    const share = spreadMs === 0 ? 1 : Math.min(1, (clock.now() - beginMs) / spreadMs);
    const due = Math.ceil(total * share) - (total - waiting.length);
    for (const session of waiting.splice(0, due)) sayGoodbye(session);
    await pause(TICK_MS);
  }
  for (const session of edge.sessions) edge.cut(session, 'draining');
}

/** The edge spreads the goodbyes itself, so the client may go at once. */
export function sayGoodbye(session: Session): void {
  const code = closeNumber('draining');
  session.send({ type: 'goodbye', code, retryAfterMs: 0, reason: 'draining' });
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
