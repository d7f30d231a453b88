/** The corpus and the floods at length: HOSTILE_SEED, HOSTILE_CASES and HOSTILE_CHANNELS replay or widen. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { attack } from '../hostile/corpus.js';
import { askForJunk, namelessOf } from '../hostile/junk.js';
import { startTarget, type Target } from '../hostile/ports.js';
import { residentBytes } from '../kit/memory.js';
import { connect } from '../kit/native-client.js';
import { numberFrom, seedFrom } from '../kit/random.js';
import { eventually } from '../kit/wait.js';

const SEED = seedFrom('HOSTILE_SEED', Math.floor(Date.now() / 86_400_000));
const CASES_PER_PORT = numberFrom('HOSTILE_CASES', 10_000);
const CHANNELS = numberFrom('HOSTILE_CHANNELS', 1_000_000);
const CHANNELS_PER_SOCKET = 2_000;
const SOCKETS_AT_ONCE = 20;
const MIB = 1_048_576;
const GROWTH_MAX_BYTES = 96 * MIB;
/** Junk is let go of a minute after its socket; what is held until then has this bound. */
const FLOOD_GROWTH_MAX_BYTES = 1_024 * MIB;

let target: Target;
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target?.stop());

test('the corpus at length: no port falls, no memory grows', async () => {
  const processes = [target.edge, target.api];
  for (const port of target.ports) await attack(port, SEED + 1, CASES_PER_PORT / 10);
  const before = processes.map(residentBytes);
  for (const port of target.ports) {
    const cases = await attack(port, SEED, CASES_PER_PORT);
    process.stdout.write(`hostile, seed ${SEED}: ${port.name}: ${cases} cases\n`);
  }
  for (const [index, one] of processes.entries()) {
    const growth = () => residentBytes(one) - Number(before[index]);
    await eventually(
      () => growth() < GROWTH_MAX_BYTES,
      `${one.name} gives its memory back`,
      60_000,
    );
    process.stdout.write(`hostile: ${one.name}: ${(growth() / MIB).toFixed(1)} MiB more\n`);
  }
});

test('a million junk channels: bounded memory, refusals by name', async () => {
  const good = await connect(target.edge.wsUrl);
  await good.subscribe('demo:besides');
  const before = residentBytes(target.edge);
  let asked = 0;
  let subscribed = 0;
  while (asked < CHANNELS) {
    const floods = await Promise.all(
      Array.from({ length: SOCKETS_AT_ONCE }, (_, index) =>
        askForJunk(target.edge.wsUrl, `${asked}-${index}`, CHANNELS_PER_SOCKET, false),
      ),
    );
    for (const flooded of floods) {
      expect(namelessOf(flooded)).toEqual([]);
      subscribed += flooded.subscribed;
    }
    asked += SOCKETS_AT_ONCE * CHANNELS_PER_SOCKET;
    expect(residentBytes(target.edge) - before).toBeLessThan(FLOOD_GROWTH_MAX_BYTES);
    const answer = await good.publish('demo:besides', asked);
    expect(answer.type).toBe('published');
    await good.next('message', ({ data }) => data === asked);
  }
  const growth = (residentBytes(target.edge) - before) / MIB;
  process.stdout.write(
    `junk: ${asked} channels asked for, ${subscribed} held at a time or another, ${growth.toFixed(1)} MiB more\n`,
  );
  await good.close();
});
