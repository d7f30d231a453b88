/** Connections that do nothing while somebody looks. */

import { type Opening, openingOptions } from '../harness/dialect.js';
import { LoadClient, type LoadTarget } from '../harness/load.js';
import type { LoadOptions } from '../harness/load-options.js';

/** A WebSocket of the bare part, with one topic. */
export const BARE_SOCKET: Opening = {
  marker: '"type":"message"',
  sockets: [{ kind: 'ws', readyFrames: 0, target: '/held' }],
};

/** A request that the bare part does not answer. */
export const BARE_REQUEST: Opening = {
  marker: '"type":"message"',
  sockets: [{ kind: 'stream', readyFrames: 0, target: '/parked' }],
};

export interface Held {
  readonly target: LoadTarget;
  readonly connections: number;
  readonly opening: Opening;
  /** Others of the load client's. */
  readonly options?: LoadOptions;
}

/** Stops by `stop`. */
export async function hold({ target, connections, opening, options }: Held): Promise<LoadClient> {
  const all = { ...openingOptions(opening), ...options, connections };
  const client = await LoadClient.start(target, 'hold', all);
  try {
    await client.event('opened');
    await client.event('ready');
    return client;
  } catch (error) {
    await client.stop();
    throw error;
  }
}

/** Runs `look` while they are open. */
export async function whileHeld<T>(held: Held, look: () => Promise<T>): Promise<T> {
  const client = await hold(held);
  try {
    return await look();
  } finally {
    await client.stop();
  }
}
