/** Known servers of the same kind, beside ours in the same run. */

import type { BenchSettings } from '../settings.js';
import { type PeerStack, startNchan, startNchanRedis } from './nchan.js';
import { Nginx } from './nginx.js';
import { startSocketIo } from './socket-io.js';

const NOT_INSTALLED =
  'nchan, nchan-redis: not installed: apt-get install nginx-light libnginx-mod-nchan';

export type PeerSide = 'nchan' | 'nchan-redis' | 'socket.io';
type Start = () => Promise<PeerStack>;

let isSaid = false;

function sayOnce(line: string): void {
  if (!isSaid) console.log(line);
  isSaid = true;
}

/** By side, those that are asked for and installed; says once what is missing. */
export function peers(
  { peers }: Pick<BenchSettings, 'peers'>,
  say: (line: string) => void = sayOnce,
): ReadonlyMap<PeerSide, Start> {
  if (peers === 0) return new Map();
  const started = new Map<PeerSide, Start>();
  if (Nginx.isInstalled()) {
    started.set('nchan', startNchan).set('nchan-redis', startNchanRedis);
  } else {
    say(NOT_INSTALLED);
  }
  return started.set('socket.io', startSocketIo);
}

/** To be spread into the sides of a scenario that WebSockets and POSTs are enough for. */
export function peerStarts(settings: Pick<BenchSettings, 'peers'>): Start[] {
  return [...peers(settings).values()];
}
