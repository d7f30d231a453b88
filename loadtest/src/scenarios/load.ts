/** Options of the load client that several scenarios share. */

import type { LoadOptions } from '../harness/load.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';

/** With this data a frame has about 140 bytes, as in the known figures of the bare parts. */
const DATA = 'x'.repeat(64);

export function windowOptions(settings: BenchSettings): LoadOptions {
  return { 'warm-ms': settings.warmMs, 'measure-ms': settings.measureMs };
}

/** The bare part subscribes a socket when it opens; Halley says `welcome` and `subscribed`. */
export function subscriberOptions(stack: Stack, channel: string): LoadOptions {
  const target = { targets: ['/v1/ws'] };
  if (stack.side === 'bare') return target;
  return { ...target, hello: subscribeFrame(channel), 'ready-frames': 2 };
}

export function subscribeFrame(channel: string): string {
  return JSON.stringify({ type: 'subscribe', ref: 1, channel });
}

/** A line of the load client's `posts`: path and body. */
export function postLine(channel: string, data: unknown = DATA): string {
  return `/channels/${channel}/messages\t${JSON.stringify({ data })}`;
}

/** @throws Error if a delivery never came: there is no rate of messages that are lost */
export function refuseMissing(name: string, missing: number | undefined): void {
  if (missing !== 0) throw new Error(`${name}: ${missing} deliveries never came`);
}
