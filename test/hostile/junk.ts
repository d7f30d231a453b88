/** Channels that nobody needs, by as many sockets as it takes. */

import { CODES, type ServerFrame } from '@halley/shared/protocol';
import { open } from '../kit/native-client.js';

/** Frames of one message: as many as an array may hold. */
const FRAMES_PER_MESSAGE = 128;

export interface Flooded {
  readonly subscribed: number;
  /** By code, refusals of frames and the end of the connection. */
  readonly refused: ReadonlyMap<string, number>;
}

/**
 * One socket asks for so many channels, each of another name, as fast as it can.
 * @param isAlone each frame in a message of its own
 */
export async function askForJunk(
  url: string,
  name: string,
  channels: number,
  isAlone: boolean,
): Promise<Flooded> {
  const client = await open(url);
  await client.welcomed();
  const step = isAlone ? 1 : FRAMES_PER_MESSAGE;
  for (let first = 0; first < channels; first += step) {
    const frames = Array.from({ length: Math.min(step, channels - first) }, (_, index) => ({
      type: 'subscribe',
      ref: first + index,
      channel: `demo:${name}-${first + index}`,
    }));
    client.send(isAlone ? (frames[0] ?? {}) : frames);
  }
  let answered = 0;
  const isLast = (frame: ServerFrame) => {
    if (frame.type === 'subscribed' || frame.type === 'error') answered += 1;
    return answered >= channels;
  };
  const allAnswered = client.waitFor(isLast, DEADLINE_MS, 0, `${channels} answers`);
  // One that is cut off has been answered, too.
  await Promise.race([allAnswered, client.closed]);
  const ended = client.socket.readyState === client.socket.OPEN ? null : await client.closed;
  await client.cut();
  return tally(
    client.frames,
    ended === null ? null : ended.reason.split(':')[0] || `${ended.code}`,
  );
}

const DEADLINE_MS = 60_000;

function tally(frames: readonly ServerFrame[], end: string | null): Flooded {
  const refused = new Map<string, number>();
  const count = (code: string) => refused.set(code, (refused.get(code) ?? 0) + 1);
  for (const frame of frames) if (frame.type === 'error') count(frame.code);
  if (end !== null) count(end);
  const subscribed = frames.filter(({ type }) => type === 'subscribed').length;
  return { subscribed, refused };
}

/** Codes that are in no table. */
export function namelessOf({ refused }: Flooded): string[] {
  return [...refused.keys()].filter((code) => !Object.hasOwn(CODES, code));
}
