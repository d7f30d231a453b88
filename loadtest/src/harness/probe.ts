/**
 * Loaded into a server before its own code (`--import`): tells the bench what memory the server keeps.
 * Garbage is collected first, since how much of it lies about says nothing about a connection.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MEMORY_QUESTION } from './probe-question.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

process.on('message', (message) => {
  if (message !== MEMORY_QUESTION) return;
  collectGarbage();
  collectGarbage();
  process.send?.({ memory: process.memoryUsage() });
});
