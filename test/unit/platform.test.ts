/** Which machines Halley starts on, and the one line that the others get. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  binaries,
  checkUwsBinary,
  platformProblem,
  thisMachine,
} from '../../scripts/lib/platform.mjs';

const debian12 = { platform: 'linux', arch: 'x64', node: '20.19.0', glibc: '2.36' };
const table = binaries();

test('this machine runs Halley, with the binary that the table names', () => {
  expect(platformProblem(thisMachine(), table)).toBeNull();
  expect(() => checkUwsBinary()).not.toThrow();
});

test.each([
  [{}, null],
  [{ arch: 'arm64' }, null],
  [{ node: '24.1.0', glibc: '2.39' }, null],
  [{ node: '22.12.0', glibc: '2.38' }, null],
  [{ node: '20.18.3' }, 'Node 20.18.3 is too old: take 20.19 or later.'],
  [{ node: '22.11.0', glibc: '2.39' }, 'Node 22.11.0 is too old: take 22.12 or later.'],
  [{ node: '18.20.0' }, 'Node 18.20.0 is not supported: take Node 20.'],
  [{ node: '26.0.0', glibc: '2.41' }, 'Node 26.0.0 is not supported: take Node 20 or 22 or 24.'],
  [
    { node: '22.14.0' },
    'Node 22 needs glibc 2.38 for uWebSockets.js and this system has 2.36: take Node 20, ' +
      'or a system with a newer glibc (Ubuntu 24.04, Debian 13).',
  ],
  [
    { glibc: '2.17' },
    'Node 20 needs glibc 2.27 for uWebSockets.js and this system has 2.17: take a system ' +
      'with a newer glibc (Ubuntu 24.04, Debian 13).',
  ],
  [{ glibc: undefined }, 'uWebSockets.js needs glibc: take Debian or Ubuntu, not Alpine.'],
  [{ arch: 's390x' }, 'Halley runs on Linux, x64 or arm64; this is linux s390x.'],
  [{ platform: 'darwin' }, 'Halley runs on Linux, x64 or arm64; this is darwin x64.'],
])('%o -> %s', (machine, line) => {
  expect(platformProblem({ ...debian12, ...machine }, table)).toBe(line);
});

test('a binary of other content is refused with both sums', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'halley-uws-'));
  const { platform, arch, versions } = process;
  await writeFile(join(folder, `uws_${platform}_${arch}_${versions.modules}.node`), 'other');
  expect(() => checkUwsBinary(folder)).toThrow(/SHA-256 d9298a.* says [0-9a-f]{64}/);
  await rm(folder, { recursive: true });
});
