/** More than anybody needs: refused by name, in bounded memory, and others do not notice. */

import { describe, expect, test } from 'vitest';
import { residentBytes } from '../kit/memory.js';
import { connect } from '../kit/native-client.js';
import { OPCODE, openRawWebSocket } from '../kit/raw-websocket.js';
import { useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';
import { askForJunk, namelessOf } from './junk.js';

const HEARD_MS = 30_000;
const FRAMES = 100_000;
const JUNK_SOCKETS = 50;
const JUNK_PER_SOCKET = 400;
const MIB = 1_048_576;
/** Most of it is what V8 takes before it tidies up. */
const GROWTH_MAX_BYTES = 256 * MIB;

describe('floods', () => {
  const stack = useFleet();

  /** What a good client hears while the flood is on, and after it. */
  async function besides<T>(name: string, flood: () => Promise<T>): Promise<T> {
    const edge = stack.edge();
    const good = await connect(stack.ws());
    await good.subscribe(`demo:${name}`);
    const before = residentBytes(edge);
    const flooding = flood();
    // An edge that says that it is overloaded gets nothing for a moment; what is taken arrives.
    const isHeard = async (data: string) => {
      const publish = () => stack.rest.publish(`demo:${name}`, data);
      await eventually(async () => (await publish()).status === 201, 'it is taken', HEARD_MS);
      await good.next('message', (frame) => frame.data === data, HEARD_MS);
    };
    for (const data of ['one', 'two', 'three']) await isHeard(data);
    const result = await flooding;
    const growth = () => residentBytes(edge) - before;
    await eventually(() => growth() < GROWTH_MAX_BYTES, `${edge.name} keeps its memory bounded`);
    process.stdout.write(`flood, ${name}: edge ${(growth() / MIB).toFixed(1)} MiB more\n`);
    await isHeard('after');
    await good.close();
    expect(edge.output).not.toContain('defect');
    return result;
  }

  test('100,000 subscribe frames on one socket', async () => {
    const flooded = await besides('frames', () => askForJunk(stack.ws(), 'one', FRAMES, false));
    expect(flooded.refused.size).toBeGreaterThan(0);
    expect(namelessOf(flooded)).toEqual([]);
    expect(flooded.subscribed).toBeLessThan(FRAMES / 10);
  }, 90_000);

  test('20,000 junk channels by 50 sockets', async () => {
    const floods = await besides('junk', () =>
      Promise.all(
        Array.from({ length: JUNK_SOCKETS }, (_, index) =>
          askForJunk(stack.ws(), `s${index}`, JUNK_PER_SOCKET, false),
        ),
      ),
    );
    for (const flooded of floods) {
      expect(namelessOf(flooded)).toEqual([]);
      expect(flooded.refused.size).toBeGreaterThan(0);
    }
    expect(floods.reduce((sum, { subscribed }) => sum + subscribed, 0)).toBeGreaterThan(0);
  }, 90_000);

  test('compression is not agreed to, whatever is offered', async () => {
    const offers = [
      'permessage-deflate',
      'permessage-deflate; client_max_window_bits',
      'x-webkit-deflate-frame',
    ];
    for (const offer of offers) {
      const header = `Sec-WebSocket-Extensions: ${offer}`;
      const socket = await openRawWebSocket(stack.edge().port, '/v1/ws', [header]);
      expect(socket.head.toLowerCase()).not.toContain('sec-websocket-extensions');
      await socket.next(({ opcode }) => opcode === OPCODE.text, 'welcome');
      // A compressed message is one with a reserved bit.
      socket.sendFrame({ opcode: OPCODE.text, reserved: 4, payload: Buffer.from('aa0500', 'hex') });
      await socket.closed;
    }
  });
});
