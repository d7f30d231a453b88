/** Writes docs/errors.md out of the table of codes. `--print` writes to stdout instead. */

import { writeFileSync } from 'node:fs';
import { CODES } from '../libs/shared/dist/protocol/index.js';

const ADVICE = [
  ['4000-4099', 'do not reconnect'],
  ['4100-4199', 'reconnect after the given or a backed-off delay; so do 1006 and any other number'],
  ['4200-4299', 'reconnect and resume now'],
  ['4300-4399', 'get a new token, then reconnect'],
];

const rows = Object.entries(CODES).map(
  ([code, { close = '', status = '', text }]) => `| \`${code}\` | ${status} | ${close} | ${text} |`,
);

const page = `# Errors

One table for every door. An \`error\` frame and a problem+json answer carry the \`code\` and a text that
names the field; a connection that ends carries the close code's number, and the code's name begins the
reason.

| close codes | the client should |
|---|---|
${ADVICE.map(([range, text]) => `| ${range} | ${text} |`).join('\n')}

| code | HTTP status | close | meaning |
|---|---|---|---|
${rows.join('\n')}
`;

if (process.argv.includes('--print')) process.stdout.write(page);
else writeFileSync(new URL('../docs/errors.md', import.meta.url), page);
