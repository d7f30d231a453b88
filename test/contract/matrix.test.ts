/** The page on transports shows what the contract is held to: a new skip is seen there, or fails here. */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BEHAVIOURS, matrixOf, SKIPS } from './behaviours.js';
import { dps } from './wires/dps.js';
import { icomet } from './wires/icomet.js';
import { megacomet } from './wires/megacomet.js';
import { nativeWebSocket } from './wires/native.js';
import { nativeHttp } from './wires/native-http.js';

const PAGE = new URL('../../docs/transports.md', import.meta.url);
const MATRIX = /(?<=<!-- matrix -->\n)[\s\S]*(?=<!-- \/matrix -->)/;
const WIRES = [nativeWebSocket, ...nativeHttp, ...icomet, megacomet, ...dps].map(
  ({ name }) => name,
);

/** A further one is a decision, not a slip. */
const SKIP_COUNT = 14;

test('docs/transports.md shows the matrix of wires and behaviours', () => {
  const matrix = matrixOf(WIRES);
  const page = readFileSync(PAGE, 'utf8');
  if (process.env['HALLEY_PRINT_MATRIX'] === '1') {
    writeFileSync(PAGE, page.replace(MATRIX, matrix));
  }
  expect(MATRIX.exec(readFileSync(PAGE, 'utf8'))?.[0]).toBe(matrix);
});

test('no wire leaves out more than the list says, and the list names only wires that are', () => {
  const skips = Object.entries(SKIPS).flatMap(([wire, skipped]) =>
    Object.entries(skipped).map(([behaviour, reason]) => ({ wire, behaviour, reason })),
  );
  for (const { wire, behaviour, reason } of skips) {
    expect(WIRES).toContain(wire);
    expect(BEHAVIOURS).toContain(behaviour);
    expect(reason.length).toBeGreaterThan(20);
  }
  expect(skips).toHaveLength(SKIP_COUNT);
});
