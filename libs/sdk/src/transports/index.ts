import { jsonp } from './jsonp.js';
import { poll } from './poll.js';
import { sse } from './sse.js';
import { stream } from './stream.js';
import type { Transport } from './transport.js';
import { websocket } from './websocket.js';

/** In the order in which they are tried. */
export const ALL: readonly Transport[] = [websocket, sse, stream, poll, jsonp];
