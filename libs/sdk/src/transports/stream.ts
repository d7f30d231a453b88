import { LOST } from './ends.js';
import { transportOf } from './http-link.js';
import { refusalOf, request, urlOf } from './requests.js';

/** Of one frame. */
const LINE_MAX_CHARS = 4_194_304;

/** An answer without end, a frame on each line. */
export const stream = transportOf({
  name: 'stream',
  isPossible: ({ fetch }) => fetch !== undefined && typeof ReadableStream === 'function',
  async receive(asking, { onFrame, onAlive }) {
    const response = await request(asking, urlOf(asking, 'stream'));
    if (!response.ok) return refusalOf(response);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    for (let rest = ''; rest.length < LINE_MAX_CHARS; ) {
      const { done, value } = await reader.read();
      if (done) break;
      onAlive();
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) if (line !== '') onFrame(JSON.parse(line));
    }
    return LOST;
  },
});
