/** The bare part of a POST: a uWS handler and one script that stores and announces; of a GET: one command. */

import uWS from 'uWebSockets.js';
import { Redis } from 'ioredis';
import { frameOf } from './frame.js';
import { readPage } from './history.js';
import { openLog } from './log.js';
import { onBody, onGet, onPost, type Posted, serve } from './server.js';

/** Messages of a batch that one call of the script stores. */
const CALL_MESSAGES = 100;

interface Batch {
  readonly messages: readonly { readonly channel: string; readonly data: unknown }[];
}

const [redisUrl = ''] = process.argv.slice(2);
const append = openLog(redisUrl);
let waiting: Posted[] = [];

/** One call for all that one turn brought: a call each is half as fast, and ours joins them too. */
async function flush(): Promise<void> {
  const posted = waiting;
  waiting = [];
  const ids = await append(posted);
  for (const [index, one] of posted.entries()) one.answer(ids[index] ?? '');
}

/** All calls at once: the connection to Redis pipelines them. @returns JSON */
async function storeBatch(text: string): Promise<string> {
  const entries = (JSON.parse(text) as Batch).messages.map(({ channel, data }) => {
    const body = JSON.stringify({ data });
    return { topic: channel, body, frame: frameOf(channel, body) };
  });
  const calls: Promise<string[]>[] = [];
  for (let at = 0; at < entries.length; at += CALL_MESSAGES) {
    calls.push(append(entries.slice(at, at + CALL_MESSAGES)));
  }
  const ids = (await Promise.all(calls)).flat();
  return JSON.stringify({ results: ids.map((id) => ({ id, edges: 0 })) });
}

const app = uWS.App();
onPost(app, (posted) => {
  // A failed call leaves the process: a bench with failures has no figures.
  if (waiting.length === 0) setImmediate(() => void flush());
  waiting.push(posted);
});
app.post('/messages', (res) => {
  onBody(res, (body, answer) => void storeBatch(body).then((json) => answer('200 OK', json)));
});
const reading = new Redis(redisUrl, { enableAutoPipelining: true });
onGet(app, async (channel, limit) => `{${await readPage(reading, channel, limit)}`);
serve(app);
