import type { Namespace, Namespaces } from '@halley/shared/config';
import { icometChannel, isCallbackName, RefusedError, refusal } from '@halley/shared/protocol';

/** The channel that a call is about. */
export interface Target {
  /** As the caller wrote it. */
  readonly cname: string;
  readonly channel: string;
  readonly namespace: Namespace;
}

/** @throws RefusedError where no channel may be called so, or its namespace does not count messages */
export function targetOf(cname: string, namespaces: Namespaces): Target {
  const channel = icometChannel(cname);
  if (channel === null) {
    throw new RefusedError(refusal('bad-channel', 'cname= is too long or is reserved', 'cname'));
  }
  const namespace = namespaces.of(channel);
  if (namespace.icomet) return { cname, channel, namespace };
  const why = `channel[${cname}] is not served by icomet: its namespace lacks "icomet"`;
  throw new RefusedError(refusal('not-found', why, 'cname'));
}

/** @returns null without a callback. @throws RefusedError */
export function callbackOf(name: string): string | null {
  if (name === '') return null;
  if (isCallbackName(name)) return name;
  throw new RefusedError(refusal('bad-callback', 'cb= must be names joined by dots', 'cb'));
}
