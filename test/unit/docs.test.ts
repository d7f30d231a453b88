import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LIMIT_SETTINGS, SETTINGS } from '@halley/shared/config';
import { CODES } from '@halley/shared/protocol';
import { describe, expect, test } from 'vitest';
import * as protocolLimits from '../../libs/shared/dist/protocol/limits.js';

const root = new URL('../../', import.meta.url);

describe('generated pages', () => {
  test('docs/errors.md is what the table of codes says', () => {
    const script = fileURLToPath(new URL('scripts/error-table.mjs', root));
    const page = execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' });
    expect(readFileSync(new URL('docs/errors.md', root), 'utf8')).toBe(page);
  });
});

describe('docs/limits.md', () => {
  const page = readFileSync(new URL('docs/limits.md', root), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| ([\d,]+) \| ([^|]+?) \|/gm)].map(
    ([, name = '', value = '', unit = '']) =>
      [name, Number(value.replaceAll(',', '')), unit] as const,
  );
  const settings: Readonly<Record<string, { defaultText: string; unit?: string }>> = SETTINGS;

  test('has every setting that is a limit, and every limit of the protocol', () => {
    const names = rows.map(([name]) => name);
    const wanted = [...Object.keys(LIMIT_SETTINGS), ...Object.keys(protocolLimits)];
    expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(rows.filter(([name]) => name.startsWith('HALLEY_')))(
    '%s is %i %s by default',
    (name, value, unit) => {
      expect(settings[name]).toMatchObject({ defaultText: String(value), unit });
    },
  );

  test.each(rows.filter(([name]) => !name.startsWith('HALLEY_')))('%s is %i %s', (name, value) => {
    expect(Reflect.get(protocolLimits, name)).toBe(value);
  });

  test('names no code that is not in the table', () => {
    const codes = Object.keys(CODES);
    const named = [...page.matchAll(/`([a-z]+(?:-[a-z]+)+)`: ?\d/g)].map(([, code]) => code);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((code) => !codes.includes(code ?? ''))).toEqual([]);
  });
});
