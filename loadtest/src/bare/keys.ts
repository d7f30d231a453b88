/** One hash tag for all: a plain Redis has no use for more. */

const LIVE = '{bench}:ch:';

export function logOf(channel: string): string {
  return `{bench}:log:${channel}`;
}

export function membersOf(channel: string): string {
  return `{bench}:members:${channel}`;
}

export function liveOf(channel: string): string {
  return LIVE + channel;
}

export function channelOf(live: string): string {
  return live.slice(LIVE.length);
}
