/** The packages as users get them: what is in them, what they need, and that they work. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserProject } from '../kit/sdk-package.js';
import { useFleet } from '../kit/use-fleet.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const PACKAGES = ['libs/sdk', 'libs/server'];
/** What a page loads. */
const SDK_MAX_GZIP_BYTES = 12 * 1_024;
const PACK_DEADLINE_MS = 120_000;

/** As it stands the example goes on for ever. */
const UNTIL_HEARD = `
while (!channel.position?.includes('.')) await new Promise((resolve) => setTimeout(resolve, 10));
halley.close();
`;

/** What a user writes first. */
const PROGRAM = `
import { Halley, HalleyError, type Message, type State } from '@halley/client';
import { HalleyServer } from '@halley/server';

const [node = '', api = ''] = process.argv.slice(2);
const halley = new Halley({ nodes: [node] });
const seen: Message[] = [];
const subscription = halley.subscribe('demo:news', (message) => seen.push(message));
await subscription.ready;
const server = new HalleyServer({ url: api, key: 'dev-key' });
const { id } = await server.publish('demo:news', { text: 'hello' });
while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
const state: State = halley.state;
const failure: unknown = await halley.publish('', 1).catch((error: unknown) => error);
console.log(JSON.stringify({
  isSame: seen[0]?.id === id,
  data: seen[0]?.data,
  state: state.name === 'connected' ? state.transport : state.name,
  code: failure instanceof HalleyError ? failure.code : null,
}));
halley.close();

declare const process: { readonly argv: string[] };
`;

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2022', 'DOM'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  },
  files: ['program.ts'],
};

let project: UserProject;

beforeAll(async () => {
  project = await UserProject.create(PACKAGES);
}, PACK_DEADLINE_MS);

afterAll(() => project?.remove());

describe.each(PACKAGES)('the tarball of %s', (folder) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  const paths = () => (project.packed.get(folder) ?? []).map(({ path }) => path);

  test('holds what "files" names, and no other file', () => {
    const named = (manifest.files as string[]).map(
      (glob) => new RegExp(`^${glob.replace(/[.]/g, '\\.').replace(/[*]/g, '[^/]*')}$`),
    );
    const always = /^(package\.json|README\.md|LICENSE)$/;
    const others = paths().filter(
      (path) => !always.test(path) && !named.some((pattern) => pattern.test(path)),
    );
    expect(others).toEqual([]);
    expect(paths()).toContain('package.json');
  });

  test('holds every file that "exports" names', () => {
    const exported = JSON.stringify(manifest.exports).match(/\.\/dist\/[^"]+/g) ?? [];
    expect(exported.length).toBeGreaterThan(0);
    expect(paths()).toEqual(expect.arrayContaining(exported.map((path) => path.slice(2))));
  });

  test('needs no other package', async () => {
    for (const field of ['dependencies', 'peerDependencies', 'optionalDependencies', 'scripts']) {
      expect(manifest[field] ?? {}).toEqual({});
    }
    const code = project.installed(join(manifest.name, manifest.exports['.'].default));
    // What cannot be found is an error.
    const whole = { bundle: true, write: false, platform: 'neutral', logLevel: 'silent' } as const;
    expect((await build({ ...whole, entryPoints: [code] })).errors).toEqual([]);
  });

  test('its types reach no other package, and only files that are there', () => {
    const reached = new Set<string>();
    const reach = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      expect(existsSync(file), file).toBe(true);
      const text = readFileSync(file, 'utf8');
      for (const [, from] of text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
        expect(from, file).toMatch(/^\./);
        reach(join(dirname(file), String(from).replace(/\.js$/, '.d.ts')));
      }
    };
    reach(project.installed(join(manifest.name, manifest.exports['.'].types)));
    expect(reached.size).toBeGreaterThan(1);
  });
});

describe('the script of a page', () => {
  const script = () => readFileSync(project.installed('@halley/client/dist/sdk.js'), 'utf8');
  const module = () => readFileSync(project.installed('@halley/client/dist/client.js'), 'utf8');

  test('is as small as was promised', () => {
    const { length } = gzipSync(script(), { level: 9 });
    process.stdout.write(`sdk.js: ${length} of ${SDK_MAX_GZIP_BYTES} bytes with gzip\n`);
    expect(length).toBeLessThanOrEqual(SDK_MAX_GZIP_BYTES);
  });

  test.each([
    ['sdk.js', script],
    ['client.js', module],
  ])('%s has nothing of Node, and nothing that a strict policy forbids', (_, code) => {
    expect(code()).not.toMatch(/\bprocess\.|\brequire\(|\bBuffer\b|['"]node:/);
    expect(code()).not.toMatch(/\beval\(|new Function\b/);
  });

  test.each([
    ['sdk.js', script],
    ['client.js', module],
  ])('%s is ES2022 as it stands', async (_, code) => {
    // What had to be written otherwise for that language would be.
    const options = { minify: true, legalComments: 'none', charset: 'ascii' } as const;
    const [as2022, asNew] = await Promise.all(
      ['es2022', 'esnext'].map((target) => transform(code(), { ...options, target })),
    );
    expect(as2022?.warnings).toEqual([]);
    expect(as2022?.code).toBe(asNew?.code);
  });

  test('a script leaves one global behind: the class, with its error', () => {
    const globals = createContext({});
    runInContext(script(), globals);
    expect(Object.keys(globals)).toEqual(['Halley']);
    expect(runInContext('typeof Halley.HalleyError', globals)).toBe('function');
  });
});

describe("a user's program", () => {
  const stack = useFleet();

  test('is checked strictly with the types of the packages, and runs', async () => {
    await project.write('program.ts', PROGRAM);
    await project.write('tsconfig.json', JSON.stringify(TSCONFIG));
    await project.run(process.execPath, [TSC, '-p', '.']);
    const urls = [stack.edge().url, stack.fleet.api().url];
    const printed = await project.run(process.execPath, ['program.js', ...urls]);
    expect(JSON.parse(printed)).toEqual({
      isSame: true,
      data: { text: 'hello' },
      state: 'stream',
      code: 'bad-channel',
    });
  });

  test("the README's example is checked strictly, and runs", async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(example).toContain('http://127.0.0.1:8100');
    const program = example.replace('http://127.0.0.1:8100', stack.edge().url);
    await project.write('program.ts', program + UNTIL_HEARD);
    await project.write('tsconfig.json', JSON.stringify(TSCONFIG));
    await project.run(process.execPath, [TSC, '-p', '.']);
    const printed = await project.run(process.execPath, ['program.js']);
    expect(printed).toBe('Hello from the SDK\n');
  });

  test.each([
    ['an option that there is not', "new Halley({ node: 'x' })"],
    ['an event that there is not', "new Halley().on('message', () => undefined)"],
    ['a transport that there is not', "new Halley({ transports: ['pigeon'] })"],
    ['a field of a state that has none', 'new Halley().state.connectionId'],
    ['a message that is changed', "new Halley().subscribe('c', (m) => { m.data = 1; })"],
  ])('is refused with %s', async (_, statement) => {
    const text = `import { Halley } from '@halley/client';\n// @ts-expect-error\n${statement};\n`;
    await project.write('wrong.ts', text);
    const config = { ...TSCONFIG, files: ['wrong.ts'] };
    await project.write('tsconfig.wrong.json', JSON.stringify(config));
    await project.run(process.execPath, [TSC, '-p', 'tsconfig.wrong.json', '--noEmit']);
  });
});
