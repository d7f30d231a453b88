import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Headers } from '../../core/ports/http.js';
import { Asset } from './asset.js';

const JAVASCRIPT = 'text/javascript; charset=utf-8';
const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', JAVASCRIPT],
]);

/** An hour: how long a page may go on with the SDK of yesterday's release. */
const SDK_HEADERS: Headers = [
  ['Cache-Control', 'public, max-age=3600'],
  // Pages of any site load it, also those that ask by CORS for the sake of `integrity`.
  ['Access-Control-Allow-Origin', '*'],
];

/** The page runs only what the edge serves, and talks to any node. */
const DEMO_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'connect-src *',
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export const DEMO_HEADERS: Headers = [
  ['Cache-Control', 'no-cache'],
  ['Content-Security-Policy', DEMO_POLICY],
  ['Referrer-Policy', 'no-referrer'],
];

/**
 * The SDK for script tags.
 * @param url of its file
 * @throws Error that says what to do where it was not built
 */
export function readSdk(url = import.meta.resolve('@halley/client/sdk.js')): Asset {
  try {
    return new Asset(readFileSync(fileURLToPath(url)), JAVASCRIPT, SDK_HEADERS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const text = 'the SDK that /sdk.js serves is not built: run npm run build';
    throw new Error(text, { cause: error });
  }
}

/** The files of the demo by name: `index.html` and what it refers to. */
export function readDemo(): ReadonlyMap<string, Asset> {
  const folder = new URL('../../../demo/', import.meta.url);
  const files = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const type = TYPES.get(extname(name));
    if (type === undefined) continue;
    files.set(name, new Asset(readFileSync(new URL(name, folder)), type, DEMO_HEADERS));
  }
  return files;
}
