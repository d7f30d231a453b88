/** What a page loads: the script of the SDK. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import type { Figure, FigureResult } from './figure.js';

const SCRIPT = fileURLToPath(import.meta.resolve('@halley/client/sdk.js'));

export const sdkSize: Figure = { name: 'sdk-size', measure };

async function measure(): Promise<FigureResult> {
  const script = await readFile(SCRIPT);
  const gzip = gzipSync(script, { level: constants.Z_BEST_COMPRESSION });
  return {
    rows: [
      { what: 'sdk.js', value: bytes(script.length) },
      { what: 'sdk.js, gzip -9', value: bytes(gzip.length) },
    ],
    detail: { rawBytes: script.length, gzipBytes: gzip.length },
  };
}

function bytes(count: number): string {
  return `${count.toLocaleString('en-US')} bytes`;
}
