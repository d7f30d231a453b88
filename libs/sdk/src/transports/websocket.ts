import { endOf, LOST } from './ends.js';
import type { LinkOptions, Transport } from './transport.js';

/** Of an array of frames: it holds less than the 128 that the edge takes, the shortest has 50. */
const ARRAY_MAX_CHARS = 6_000;

/** The native wire. */
export const websocket: Transport = {
  name: 'websocket',
  isPossible: ({ WebSocket }) => WebSocket !== undefined,
  open(options, events) {
    const socket = connect(options);
    const write = (frames: string) => {
      if (socket?.readyState === 1) socket.send(`[${frames}]`);
    };
    if (socket === null) queueMicrotask(() => events.onEnd(LOST));
    else {
      socket.onmessage = ({ data }) => events.onFrame(JSON.parse(data));
      socket.onclose = ({ code, reason }) => events.onEnd(endOf(code, reason));
      // A close follows.
      socket.onerror = () => undefined;
    }
    return {
      send(frames) {
        let joined = '';
        for (const text of frames.map((frame) => JSON.stringify(frame))) {
          const isFull = joined.length + text.length > ARRAY_MAX_CHARS;
          if (joined !== '' && isFull) write(joined);
          joined = joined === '' || isFull ? text : `${joined},${text}`;
        }
        write(joined);
      },
      ping: () => write('{"type":"ping"}'),
      close() {
        if (socket === null) return;
        socket.onmessage = null;
        socket.onclose = null;
        socket.close();
      },
    };
  },
};

function connect({ env, node, token, client, queueAfter }: LinkOptions): WebSocket | null {
  const { WebSocket } = env as { WebSocket: typeof globalThis.WebSocket };
  const query = new URLSearchParams();
  if (token === null && client !== null) query.set('client', client);
  if (queueAfter !== null) query.set('queueAfter', queueAfter);
  // In a subprotocol the token stands in no log.
  const protocols = ['halley.v1', ...(token === null ? [] : [`bearer.${token}`])];
  try {
    return new WebSocket(`${node.replace(/^http/, 'ws')}/v1/ws?${query}`, protocols);
  } catch {
    // Such as a page by HTTPS and a node without.
    return null;
  }
}
