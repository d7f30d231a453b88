import type { Refusal } from '@halley/shared/protocol';

/** What the core reports to whoever watches this edge. */
export interface Counters {
  /** A message went to this many connections. */
  delivered(connections: number, bytes: number): void;
  /** Redis lost messages that had been given out. */
  rolledBack(): void;
  storeFailed(what: 'log' | 'queue' | 'ack' | 'members' | 'listeners', error: unknown): void;
  /** A defect: an error that nobody foresaw. */
  failed(error: unknown): void;
  refused(refusal: Refusal, subject: Subject): void;
  cut(code: string, subject: Subject): void;
}

/** Whom a refusal or a cut concerns. */
export interface Subject {
  readonly connectionId: string;
  readonly clientId?: string | undefined;
  readonly channel?: string | undefined;
  readonly address?: string | undefined;
}
