import { describe, expect, test } from 'vitest';
import {
  closeCodeOf,
  frameBytes,
  OPCODE,
  openRawWebSocket,
  type RawWebSocket,
  type ReceivedFrame,
} from '../kit/raw-websocket.js';
import { useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';
import { type Case, CLOSES, CONTROL, FRAGMENTS, FRAMES, UTF8 } from './autobahn-cases.js';

const PATH = '/v1/ws';
const LAST_PING = 'the last';
const LAST = { opcode: OPCODE.ping, payload: LAST_PING };

function isLastPong({ opcode, payload }: ReceivedFrame): boolean {
  return opcode === OPCODE.pong && payload.toString() === LAST_PING;
}

/** A frame as the tables spell it; of a close its code and reason. */
function spelled(frame: ReceivedFrame): unknown {
  const { opcode, payload } = frame;
  if (opcode === OPCODE.pong) return `pong:${payload.toString('latin1')}`;
  if (opcode !== OPCODE.close) return payload.toString();
  return { close: closeCodeOf(frame), reason: payload.subarray(2).toString() };
}

function expected({ comes: { frames = [], end } }: Case): unknown[] {
  if (end === 'stays') return [...frames, `pong:${LAST_PING}`];
  return end === 'cut' ? [...frames] : [...frames, { reason: '', ...end }];
}

async function opened(port: number): Promise<RawWebSocket> {
  const socket = await openRawWebSocket(port, PATH);
  await socket.next(({ opcode }) => opcode === OPCODE.text, 'welcome');
  socket.frames.length = 0;
  return socket;
}

/** Each byte in a segment of its own, as far as the kernel lets us. */
async function sendInBytes(socket: RawWebSocket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    if (socket.socket.destroyed) return;
    await new Promise((resolve) => socket.socket.write(Buffer.of(byte), resolve));
  }
}

const stack = useFleet();

describe.each([
  ['whole', false],
  ['byte by byte', true],
])('Autobahn, frames sent %s', (_, isInBytes) => {
  async function outcomeOf({ sent, comes }: Case): Promise<RawWebSocket> {
    const socket = await opened(stack.edge().port);
    const all = comes.end === 'stays' ? [...sent, LAST] : sent;
    const bytes = Buffer.concat(all.map(frameBytes));
    if (isInBytes) await sendInBytes(socket, bytes);
    else socket.send(bytes);
    if (comes.end === 'stays') await socket.next(isLastPong, 'the last pong');
    else await within(socket.closed, 'the connection has ended');
    return socket;
  }

  test.each([...FRAMES, ...CONTROL, ...FRAGMENTS, ...UTF8, ...CLOSES])('$id $what', async (one) => {
    const socket = await outcomeOf(one);
    expect(socket.frames.map(spelled)).toEqual(expected(one));
    // Servers neither mask nor use the reserved bits.
    expect(socket.frames.every(({ reserved, isLast }) => reserved === 0 && isLast)).toBe(true);
    socket.cut();
  });

  test('the edge is alive, and no row was a defect', async () => {
    const socket = await opened(stack.edge().port);
    socket.sendFrame(LAST);
    await socket.next(isLastPong, 'a pong');
    expect(stack.edge().output).not.toContain('defect');
    socket.cut();
  });
});
