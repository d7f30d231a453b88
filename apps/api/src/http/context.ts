/** What a server brings to every request. */

import type { Refusal } from '@halley/shared/protocol';
import type { BodyBudget } from './body-budget.js';
import type { Callers } from './callers.js';
import type { Pending } from './pending.js';

/** What the keys of one name may post. */
export interface CallRates {
  /** @returns why a call that stands for so many messages is refused, or null */
  spend(name: string, messages: number): Refusal | null | Promise<Refusal | null>;
}

export interface ServerOptions {
  readonly callers: Callers;
  readonly rates: CallRates;
  readonly bodies: BodyBudget;
  readonly bodyMaxBytes: number;
  /** PEM files; undefined: plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly log: { error(fields: object, text: string): void };
  nextRequestId(): string;
  observe(route: string, status: number, durationMs: number): void;
}

export interface ServerContext extends ServerOptions {
  readonly pending: Pending;
  readonly isStopping: boolean;
}
