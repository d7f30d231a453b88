/** Each rule of the import check bites: a planted tree breaks every one of them once. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SHARED = `{ "name": "@halley/shared", "type": "module",
  "exports": { "./protocol": "./dist/protocol/index.js", "./redis": "./dist/redis/index.js" } }`;
const WITH_DEPENDENCIES = (...names: string[]) =>
  JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, '*'])) });

/** Path -> text. Nothing is reported of these files (a cycle is reported once, of the other file). */
const SOUND: Readonly<Record<string, string>> = {
  'libs/shared/package.json': SHARED.replace('{', '{ "dependencies": { "ioredis": "*" },'),
  'libs/shared/dist/protocol/index.js': 'export const a = 1;',
  'libs/shared/dist/redis/index.js': 'export const b = 1;',
  'libs/shared/src/protocol/names.ts': 'export type Name = string;',
  'libs/shared/src/redis/client.ts': `import 'ioredis'; export const client = 1;`,
  'libs/sdk/package.json': '{ "devDependencies": { "@halley/shared": "*" } }',
  'libs/sdk/src/index.ts': `import './session.js';`,
  'libs/sdk/src/session.ts': '',
  'libs/server/package.json': '{}',
  'libs/server/src/index.ts': `import './calls.js';`,
  'libs/server/src/calls.ts': '',
  'apps/edge/package.json': WITH_DEPENDENCIES('@halley/shared', 'uWebSockets.js'),
  'apps/edge/src/main.ts': `import './app.js';`,
  'apps/edge/src/app.ts': `import './assembly/doors.js'; import './transport/socket.js';`,
  'apps/edge/src/assembly/doors.ts': `import '../core/hub.js'; import '../broker/logs.js';`,
  'apps/edge/src/core/hub.ts': `import '@halley/shared/protocol'; export type Hub = 1;`,
  'apps/edge/src/transport/socket.ts': `import 'uWebSockets.js'; import type { Hub } from '../core/hub.js'; export type Socket = Hub;`,
  'apps/edge/src/broker/logs.ts': `import '@halley/shared/redis'; import '../core/hub.js';`,
  'apps/edge/dist/main.js': '',
  'apps/edge/src/core/two.ts': `import type { One } from './one.js'; export type Two = One;`,
  'apps/api/package.json': WITH_DEPENDENCIES('@halley/shared', 'uWebSockets.js'),
  'apps/api/src/http/server.ts': `import 'uWebSockets.js';`,
  'apps/api/src/main.ts': '',
  'test/kit/fleet.ts': '',
};

/** Rule -> path -> text of the files that break it. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no-cycles': {
    'apps/edge/src/core/one.ts': `import type { Two } from './two.js'; export type One = Two;`,
  },
  resolvable: { 'apps/edge/src/core/lost.ts': `import './nowhere.js';` },
  'declared-dependencies': { 'apps/api/src/routes/pino.ts': `import 'pino';` },
  'protocol-stands-alone': {
    'libs/shared/src/protocol/redis.ts': `import '../redis/client.js';`,
    'libs/shared/src/protocol/node.ts': `import 'node:crypto';`,
  },
  'sdk-stands-alone': {
    'libs/sdk/src/redis.ts': `import '../../shared/src/redis/client.js';`,
    'libs/sdk/src/node.ts': `import 'node:crypto';`,
  },
  'server-stands-alone': {
    'libs/server/src/names.ts': `import '../../shared/src/protocol/names.js';`,
  },
  'core-knows-no-world': {
    'apps/edge/src/core/store.ts': `import type { b } from '@halley/shared/redis'; export type B = b;`,
    'apps/edge/src/core/node.ts': `import { connect } from 'node:net'; connect(1);`,
    'apps/edge/src/core/wire.ts': `import '../transport/socket.js';`,
  },
  'sides-do-not-meet': {
    'apps/edge/src/broker/socket.ts': `import type { Socket } from '../transport/socket.js'; export type S = Socket;`,
    'apps/edge/src/adapters/native/decode.ts': `import '../../broker/logs.js';`,
    'apps/edge/src/transport/logs.ts': `export * from '../broker/logs.js';`,
  },
  'only-app-sees-all': { 'apps/edge/src/config.ts': `import './core/hub.js';` },
  'assembly-for-app': { 'apps/edge/src/observe/doors.ts': `import '../assembly/doors.js';` },
  'app-is-the-root': {
    'apps/api/src/routes/app.ts': `import '../main.js';`,
  },
  'apps-stand-apart': { 'apps/api/src/edge.ts': `await import('../../edge/src/core/hub.js');` },
  'shared-by-package': {
    'apps/api/src/names.ts': `import type { Name } from '../../../libs/shared/src/protocol/names.js'; export type N = Name;`,
  },
  'libs-below-apps': {
    'libs/shared/src/redis/hub.ts': `import '../../../../apps/edge/src/core/hub.js';`,
  },
  'product-knows-no-test': {
    'apps/edge/src/core/test.ts': `import '../../../../test/kit/fleet.js';`,
  },
  'uws-in-transport-only': {
    'apps/api/src/routes/uws.ts': `import type { App } from 'uWebSockets.js'; export type A = App;`,
  },
  'ioredis-in-redis-only': {
    'apps/edge/src/broker/redis.ts': `import { Redis } from 'ioredis'; new Redis();`,
  },
  'bullmq-in-jobs-only': {
    'apps/api/src/routes/jobs.ts': `import { Queue } from 'bullmq'; new Queue('q');`,
  },
};

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'halley-arrows-'));
  const planted = Object.assign({}, SOUND, ...Object.values(BROKEN)) as Record<string, string>;
  for (const [path, text] of Object.entries(planted)) await plant(path, text);
  await mkdir(join(dir, 'node_modules/@halley'), { recursive: true });
  for (const name of ['ioredis', 'bullmq', 'uWebSockets.js', 'pino'])
    await link(`${ROOT}node_modules/`, name);
  await symlink(join(dir, 'libs/shared'), join(dir, 'node_modules/@halley/shared'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('every rule reports what breaks it, and no sound import is reported', async () => {
  const violations = await cruise();
  const expected = Object.entries(BROKEN).flatMap(([rule, files]) =>
    Object.keys(files).map((path) => `${path}: ${rule}`),
  );
  for (const line of expected) expect(violations).toContain(line);
  const broken = new Set(Object.values(BROKEN).flatMap((files) => Object.keys(files)));
  expect(violations.filter((line) => !broken.has(line.replace(/: .*/, '')))).toEqual([]);
});

test('the configuration has no rule that is not planted here', async () => {
  const config = (await import(`${ROOT}.dependency-cruiser.cjs`)) as {
    default: { forbidden: { name: string }[] };
  };
  const rules = config.default.forbidden.map(({ name }) => name);
  expect(rules.toSorted()).toEqual(Object.keys(BROKEN).toSorted());
});

async function plant(path: string, text: string): Promise<void> {
  const full = join(dir, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, text);
}

async function link(from: string, name: string): Promise<void> {
  await symlink(join(from, name), join(dir, 'node_modules', name));
}

/** `<file>: <rule>` of each violation. */
async function cruise(): Promise<string[]> {
  const bin = `${ROOT}node_modules/dependency-cruiser/bin/dependency-cruise.mjs`;
  const args = [bin, '--config', `${ROOT}.dependency-cruiser.cjs`, '-T', 'json'];
  const stdout = await new Promise<string>((resolve) => {
    const options = { cwd: dir, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [...args, 'apps', 'libs', 'test'], options, (_error, out) =>
      resolve(out),
    );
  });
  const report = JSON.parse(stdout) as {
    summary: { violations: { from: string; rule: { name: string } }[] };
  };
  return report.summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
}
