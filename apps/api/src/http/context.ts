/** What a server brings to every request. */

import type { Callers } from './callers.js';
import type { Pending } from './pending.js';

export interface ServerOptions {
  readonly callers: Callers;
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
