/**
 * Bundles the browser SDK that tsc has compiled: `dist/client.js` (a module) and `dist/sdk.js` (a script
 * tag, global `Halley`).
 *
 * Names of its own members are shortened. That is safe for a name that neither the platform, nor the
 * protocol, nor the public face, nor another tab with another build of the SDK knows.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './lib/run.mjs';

const SDK = join(ROOT, 'libs/sdk/dist');
/** What others read: the application, the edge, another tab, the next page. */
const SHARED = [
  'errors',
  'halley',
  'line',
  'options',
  'sharing/messages',
  'subscription',
  'timings',
  'types',
  'watch',
].map((name) => join(SDK, `${name}.d.ts`));
/** Of what lies in the page's storages. */
const STORED = ['channels', 'queue', 'name', 'untilMs'];
const WIRE = join(ROOT, 'libs/shared/dist/protocol/frames.d.ts');
const IDENTIFIER = /[A-Za-z_$][\w$]*/g;
const MEMBER = /^\s+(?:readonly |get )*([a-z]\w+)\??(?: =|[:(<])/gm;

const common = {
  bundle: true,
  minify: true,
  target: 'es2022',
  legalComments: 'none',
  logLevel: 'warning',
  mangleProps: new RegExp(`^(?:${ownNames().join('|')})$`),
};

await Promise.all([
  build({
    ...common,
    entryPoints: [join(SDK, 'index.js')],
    outfile: join(SDK, 'client.js'),
    format: 'esm',
  }),
  build({
    ...common,
    entryPoints: [join(SDK, 'script.js')],
    outfile: join(SDK, 'sdk.js'),
    format: 'iife',
  }),
]);

function ownNames() {
  const known = new Set([...SHARED, WIRE, ...platformFiles()].flatMap(identifiersIn));
  const members = sourcesIn(join(SDK, '../src')).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(MEMBER)].map(([, name]) => name),
  );
  return [...new Set(members)].filter((name) => !known.has(name) && !STORED.includes(name));
}

function identifiersIn(file) {
  return readFileSync(file, 'utf8').match(IDENTIFIER) ?? [];
}

function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** The compiler's own description of JavaScript and of browsers. */
function platformFiles() {
  const require = createRequire(join(ROOT, 'package.json'));
  const compiler = createRequire(require.resolve('typescript/package.json'));
  const native = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
  const folder = join(dirname(compiler.resolve(native)), 'lib');
  return readdirSync(folder)
    .filter((name) => /^lib\.(dom|es).*\.d\.ts$/.test(name))
    .map((name) => join(folder, name));
}
