/** `npm run deps` and `npm run audit`: what they accept, and what they find. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { judgeAudit } from '../../scripts/lib/audit.mjs';
import {
  dependencyProblems,
  directDependencies,
  transitiveCount,
} from '../../scripts/lib/dependencies.mjs';

const LOCK = {
  packages: {
    'apps/api': { dependencies: { '@halley/shared': '1', a: '1' } },
    'libs/shared': { dependencies: { a: '1', b: '1' }, devDependencies: { d: '1' } },
    'libs/shared/node_modules/b': { dependencies: { a: '1', c: '1' } },
    'node_modules/a': { dependencies: { c: '1' } },
    'node_modules/b': {},
    'node_modules/c': { dependencies: { a: '1' } },
    test: { dependencies: { t: '1' } },
  },
};

describe('dependencies', () => {
  test('each of this repository has a reason', () => {
    const script = fileURLToPath(new URL('../../scripts/deps.mjs', import.meta.url));
    const lines = execFileSync(process.execPath, [script], { encoding: 'utf8' });
    expect(lines).toContain('ioredis (libs/shared; brings ');
    expect(lines).not.toContain('NO REASON');
  });

  test('those of what ships are found, not the own ones, not those of tests and tools', () => {
    expect([...directDependencies(LOCK)]).toEqual([
      ['a', ['apps/api', 'libs/shared']],
      ['b', ['libs/shared']],
    ]);
  });

  test('what comes with one is counted where Node would find it, circles once', () => {
    expect(transitiveCount(LOCK, 'apps/api', 'a')).toBe(1);
    expect(transitiveCount(LOCK, 'libs/shared', 'b')).toBe(2);
    expect(transitiveCount(LOCK, 'apps/api', 'b')).toBe(0);
  });

  test('one without a reason and a reason without one are named', () => {
    expect(dependencyProblems(['a', 'b'], { a: 'because', b: 'as well' })).toEqual([]);
    expect(dependencyProblems(['a', 'b', 'c'], { a: 'because', b: ' ', gone: 'x' })).toEqual([
      'b has no reason',
      'c has no reason',
      'gone has a reason, but nothing depends on it',
    ]);
  });
});

describe('audit', () => {
  const cause = {
    source: 1,
    name: 'a',
    title: 'a hole',
    severity: 'high',
    url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
  };
  const report = { vulnerabilities: { a: { via: [cause] }, b: { via: ['a'] } } };
  const entry = { advisory: 'GHSA-aaaa-bbbb-cccc', package: 'a', reason: 'not reachable' };

  test('an advisory is found once, and passes with an entry that has a reason', () => {
    const { found } = judgeAudit(report, []);
    expect(found).toEqual([
      { advisory: 'GHSA-aaaa-bbbb-cccc', package: 'a', severity: 'high', title: 'a hole' },
    ]);
    expect(judgeAudit(report, [entry])).toEqual({ found: [], stale: [] });
    expect(judgeAudit(report, [{ ...entry, reason: '' }]).found).toHaveLength(1);
    expect(judgeAudit(report, [{ ...entry, package: 'b' }]).found).toHaveLength(1);
  });

  test('an entry that nothing needs any more is named', () => {
    expect(judgeAudit({ vulnerabilities: {} }, [entry])).toEqual({ found: [], stale: [entry] });
  });

  test('a registry without the endpoint, and no report at all, are not a pass', () => {
    const refused = { statusCode: 405, message: '405 Method Not Allowed - POST https://r/x\nmore' };
    expect(judgeAudit(refused, [])).toEqual({
      notChecked: '405 Method Not Allowed - POST https://r/x',
    });
    expect(judgeAudit(null, [])).toEqual({ notChecked: 'npm audit gave no report' });
  });
});
