/** Clients that ask over their socket, each the next thing when the last one is answered. */

import { openingOptions, type Socket } from '../harness/dialect.js';
import { type LoadResult, runLoad } from '../harness/load.js';
import type { LoadOptions } from '../harness/load-options.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { windowOptions } from './load.js';

/** No answer may be taken for a message: pages of history hold some. */
const NO_MARKER = '"type":"none"';

const OURS: Socket = { kind: 'ws', readyFrames: 1, target: '/v1/ws' };
const BARE: Socket = { kind: 'ws', readyFrames: 0, target: '/talk' };

/** @param frames with a `ref` each; a socket takes them in turn from `stride` times its number on */
export function runTalk(
  stack: Stack,
  settings: BenchSettings,
  options: LoadOptions & { readonly frames: readonly string[]; readonly stride: number },
): Promise<LoadResult> {
  const socket = stack.side === 'ours' ? OURS : BARE;
  return runLoad(stack, 'talk', {
    ...windowOptions(settings),
    ...openingOptions({ marker: NO_MARKER, sockets: [socket] }),
    connections: settings.talkers,
    ...options,
  });
}
