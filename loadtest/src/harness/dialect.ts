/** How the load client talks to a server: what it opens, what it posts, what is a message. */

import type { LoadOptions } from './load-options.js';

export interface Socket {
  readonly kind: 'ws' | 'eio' | 'stream' | 'poll';
  /** What the server says before the socket counts as ready. */
  readonly readyFrames: number;
  readonly target: string;
  /** Text frame to send once open. */
  readonly hello?: string;
}

/** Sockets of a run, used in turn. */
export interface Opening {
  readonly sockets: readonly Socket[];
  /** What a message contains, once in each. */
  readonly marker: string;
  /** From open to subscribed, where the server does not tell. */
  readonly settleMs?: number;
}

export interface Dialect {
  /** One socket for each channel. */
  listen(channels: readonly string[]): Opening;
  /** A request that publishes. @param data JSON */
  publish(channel: string, data: unknown): string;
}

export function openingOptions({ sockets, marker, settleMs = 0 }: Opening): LoadOptions {
  return { marker, sockets: sockets.map(lineOf), 'settle-ms': settleMs };
}

function lineOf({ kind, readyFrames, target, hello }: Socket): string {
  const line = `${kind} ${readyFrames} ${target}`;
  return hello === undefined ? line : `${line}\t${hello}`;
}

/** A line of the load client's `requests`. */
export function postRequest(path: string, body: unknown): string {
  return postText(path, JSON.stringify(body));
}

/** The same for a body that is already JSON. */
export function postText(path: string, body: string): string {
  return `POST ${path}\t${body}`;
}
