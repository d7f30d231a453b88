/** One connection of an app: its bytes as frames, its frames as messages. */

import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Refusal } from '@halley/shared/protocol';
import type { ManagerCounters } from './counters.js';
import { decodeFrame, type PrivateMessage } from './decode.js';
import { BATCH_MAX_FRAMES } from './limits.js';
import type { OrderedPublisher } from './ordered-publisher.js';
import { type Frame, FrameParser } from './parser.js';

export interface ConnectionOptions {
  readonly publisher: OrderedPublisher;
  readonly counters: Pick<ManagerCounters, 'dropped' | 'skipped'>;
}

/**
 * Resolves when the connection is closed and what it brought is stored or dropped. While messages are on
 * their way nothing is read, so that the app is held up instead of this process filled.
 * @throws Error of the socket, with a `code`
 */
export async function serveConnection(socket: Socket, options: ConnectionOptions): Promise<void> {
  const parser = new FrameParser();
  let isWhole = false;
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      parser.feed(chunk);
      await publishFrames(parser, options);
    }
    isWhole = true;
  } finally {
    const last = parser.end(isWhole);
    const message = last === null ? null : taken(last, options);
    if (message !== null) await options.publisher.publish([message]);
  }
}

async function publishFrames(parser: FrameParser, options: ConnectionOptions): Promise<void> {
  for (;;) {
    const { messages, isLast } = takeBatch(parser, options);
    if (messages.length > 0) await options.publisher.publish(messages);
    if (isLast) return;
    if (messages.length === 0) await nextTurn();
  }
}

function takeBatch(parser: FrameParser, options: ConnectionOptions) {
  const messages: PrivateMessage[] = [];
  let isLast = false;
  for (let count = 0; count < BATCH_MAX_FRAMES && !isLast; count += 1) {
    const frame = parser.next();
    isLast = frame === null;
    const message = frame === null ? null : taken(frame, options);
    if (message !== null) messages.push(message);
  }
  options.counters.skipped(parser.takeSkippedBytes());
  return { messages, isLast };
}

/** The message of a frame; null, and counted, where it is refused. */
function taken(frame: Frame | Refusal, { counters }: ConnectionOptions): PrivateMessage | null {
  const message = 'code' in frame ? frame : decodeFrame(frame);
  if (!('code' in message)) return message;
  counters.dropped(message);
  return null;
}
