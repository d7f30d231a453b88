import { LOST } from './ends.js';
import { transportOf } from './http-link.js';
import { poll, urlOf } from './requests.js';

/** Server-sent events. */
export const sse = transportOf({
  name: 'sse',
  isPossible: ({ EventSource, fetch }) => EventSource !== undefined && fetch !== undefined,
  receive: (asking, { onFrame }) =>
    new Promise((resolve, reject) => {
      const { env, token, signal } = asking;
      const { EventSource } = env as { EventSource: typeof globalThis.EventSource };
      // An EventSource sends no headers.
      const source = new EventSource(urlOf(asking, 'sse', { heartbeat: 'frame', token }));
      let hasBegun = false;
      signal.addEventListener('abort', () => source.close());
      source.onmessage = ({ data }) => {
        hasBegun = true;
        try {
          onFrame(JSON.parse(data));
        } catch (error) {
          reject(error);
        }
      };
      source.onerror = () => {
        // It would come back by itself, by what its URL said at its beginning.
        source.close();
        if (hasBegun) resolve(LOST);
        // It does not tell by what it was refused.
        else poll(asking, { wait: 0 }).then((end) => resolve('advice' in end ? end : LOST), reject);
      };
    }),
});
