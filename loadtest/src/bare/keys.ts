/** One hash tag for all: a plain Redis has no use for more. */

export function logOf(channel: string): string {
  return `{bench}:log:${channel}`;
}

export function liveOf(channel: string): string {
  return `{bench}:ch:${channel}`;
}
