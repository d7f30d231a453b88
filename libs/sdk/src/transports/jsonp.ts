import type { ErrorFrame } from '@halley/shared/protocol';
import { refusedBy } from './ends.js';
import { transportOf } from './http-link.js';
import { pollingBy } from './poll.js';
import { type Polled, urlOf } from './requests.js';

const scope = globalThis as unknown as Record<string, unknown>;
const LOADING_MS = 50;
let scripts = 0;

/** Polls by script tags, which need no permission of the node. */
export const jsonp = transportOf({
  name: 'jsonp',
  isPossible: ({ document }) => document !== undefined,
  receive: pollingBy(async (asking, more) => {
    scripts += 1;
    const callback = `__halley_${scripts}`;
    const document = asking.env.document as Document;
    // The page's `load` waits for scripts that were put in before; the first is answered at once.
    while (!more['hello'] && document.readyState !== 'complete') {
      await new Promise((resolve) => setTimeout(resolve, LOADING_MS));
    }
    const script = document.createElement('script');
    script.src = urlOf(asking, 'poll', { ...more, token: asking.token, callback });
    const { cursor, frames } = await new Promise<Polled>((resolve, reject) => {
      scope[callback] = resolve;
      // After the call, or without one.
      script.onload = script.onerror = reject;
      document.head.append(script);
    }).finally(() => {
      delete scope[callback];
      script.remove();
    });
    if (cursor !== undefined) return { cursor, frames };
    const { code, retryAfterMs } = frames[0] as ErrorFrame;
    return refusedBy(code, retryAfterMs);
  }),
});
