import { LOST } from './ends.js';
import { transportOf } from './http-link.js';
import type { Receiver } from './receiver.js';
import { poll as byFetch, type Poll } from './requests.js';

/** Polls until it is refused, or the edge says goodbye. */
export function pollingBy(ask: Poll): Receiver['receive'] {
  return async (asking, { onFrame, onAlive }) => {
    const wait = asking.waitSeconds;
    let more: Parameters<Poll>[1] = { wait, hello: 1 };
    while (!asking.signal.aborted) {
      const answer = await ask(asking, more);
      if ('advice' in answer) return answer;
      onAlive();
      answer.frames.forEach(onFrame);
      if (answer.frames.some(({ type }) => type === 'goodbye')) break;
      more = { wait, cursor: answer.cursor };
      // What these frames have changed is asked for before the next poll is.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return LOST;
  };
}

/** One answer after the other. */
export const poll = transportOf({
  name: 'poll',
  isPossible: ({ fetch }) => fetch !== undefined,
  receive: pollingBy(byFetch),
});
