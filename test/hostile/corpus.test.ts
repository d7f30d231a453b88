/**
 * Bad input on every port: the process lives, its log knows no defect, its memory is flat, and a good
 * client is served after each batch. HOSTILE_SEED replays, HOSTILE_CASES widens.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { residentBytes } from '../kit/memory.js';
import { numberFrom, seedFrom } from '../kit/random.js';
import { RawHttp } from '../kit/raw-http.js';
import { eventually } from '../kit/wait.js';
import { type AttackedPort, attack, CorpusFailure } from './corpus.js';
import { startTarget, type Target } from './ports.js';

const SEED = seedFrom('HOSTILE_SEED', 20_121_123);
const CASES_PER_PORT = numberFrom('HOSTILE_CASES', 280);
/** Until now tables are filled and code is compiled: what comes later is what cases leave behind. */
const WARM_CASES = 40;
const GROWTH_MAX_BYTES = 64 * 1_048_576;

let target: Target;
beforeAll(async () => {
  target = await startTarget();
  for (const port of target.ports) await attack(port, SEED + 1, WARM_CASES);
});
afterAll(() => target?.stop());

test('each port stands the corpus, and memory is flat', async () => {
  const processes = [target.edge, target.api];
  const before = processes.map(residentBytes);
  let sent = 0;
  for (const port of target.ports) {
    const cases = await attack(port, SEED, CASES_PER_PORT);
    process.stdout.write(`hostile, seed ${SEED}: ${port.name}: ${cases} cases\n`);
    sent += cases;
  }
  expect(sent).toBeGreaterThanOrEqual(2_000);
  for (const [index, one] of processes.entries()) {
    const growth = () => residentBytes(one) - Number(before[index]);
    await eventually(() => growth() < GROWTH_MAX_BYTES, `${one.name} gives its memory back`);
    process.stdout.write(`hostile: ${one.name}: ${(growth() / 1_048_576).toFixed(1)} MiB more\n`);
  }
}, 120_000);

/** A server of its own, which does wrong, with the log of the edge. */
async function found(answer: string, isGood = () => Promise.resolve()): Promise<unknown> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const heard = async () => {
    const raw = await RawHttp.open(port);
    await raw.closed;
    raw.close();
    await isGood();
  };
  const [first] = target.ports;
  const wrong = { ...first, port: () => port, isGood: heard } as AttackedPort;
  return attack(wrong, SEED, 1)
    .then(
      () => null,
      (error: unknown) => error,
    )
    .finally(() => server.close());
}

test('what a port must not do is found', async () => {
  expect(await found('HTTP/1.1 400 Bad Request\r\n\r\n')).toBeNull();
  for (const answer of [
    'HTTP/1.1 500 Internal Server Error\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX-Injected: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\ndata: injected\n\n',
    '{"code":"internal"}',
  ]) {
    expect(await found(answer), answer).toBeInstanceOf(CorpusFailure);
  }
  const deaf = () => Promise.reject(new Error('nothing came'));
  expect(await found('', deaf)).toBeInstanceOf(CorpusFailure);
});
