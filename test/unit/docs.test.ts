import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

describe('generated pages', () => {
  test('docs/errors.md is what the table of codes says', () => {
    const script = fileURLToPath(new URL('scripts/error-table.mjs', root));
    const page = execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' });
    expect(readFileSync(new URL('docs/errors.md', root), 'utf8')).toBe(page);
  });
});
