import type { ConnectionState } from './connection-state.js';

type Name = ConnectionState['name'];

/**
 * Which state of a connection may follow which; the last two are its end. `connecting` and `connected` may
 * follow themselves: at another node. A tab that shares the connection of another shows that one's states.
 */
export const MOVES: Readonly<Record<Name, readonly Name[]>> = {
  idle: ['connecting'],
  connecting: ['connecting', 'connected', 'waiting', 'unauthorized', 'closed'],
  connected: ['connected', 'connecting', 'waiting', 'unauthorized', 'closed'],
  waiting: ['connecting'],
  unauthorized: [],
  closed: [],
};
