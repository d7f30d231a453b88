import { ApiKeys, holds, parseApiKeys, type Role } from '@halley/shared/auth';
import { describe, expect, test } from 'vitest';

const LIST = 'ci:s3cret-a:publish, ci:s3cret-b:publish,ops:pass/word=:admin,view:looker:read';

describe('a list of API keys', () => {
  test('a bare secret is the admin key "default"', () => {
    expect(parseApiKeys('only-one')).toEqual({
      entries: [{ name: 'default', secret: 'only-one', role: 'admin' }],
      problems: [],
    });
  });

  test('two keys may share a name, so that one can replace the other', () => {
    const { entries, problems } = parseApiKeys(LIST);
    expect(problems).toEqual([]);
    expect(entries.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'ci publish',
      'ci publish',
      'ops admin',
      'view read',
    ]);
  });

  test.each([
    ['two fields', 'a:hidden', /key 1 must be name:secret:role/],
    ['four fields', 'a:hidden:read:x', /key 1 must be name:secret:role/],
    ['no name', ':hidden:read', /key 1 must have a name/],
    ['a name with a space', 'a b:hidden:read', /key 1 must have a name/],
    ['a name of 65 characters', `${'n'.repeat(65)}:hidden:read`, /key 1 must have a name/],
    ['no secret', 'a::read', /key 1 must have a secret/],
    ['a secret with a space', 'a:hid den:read', /key 1 must have a secret/],
    ['a secret beyond ASCII', 'a:hidden\u00e9:read', /key 1 must have a secret/],
    ['a secret of 257 characters', `a:${'h'.repeat(257)}:read`, /key 1 must have a secret/],
    ['an unknown role', 'a:hidden:owner', /key 1 must have one of the roles read, publish, admin/],
    ['a role of the prototype', 'a:hidden:constructor', /key 1 must have one of the roles/],
    ['a role in capitals', 'a:hidden:ADMIN', /key 1 must have one of the roles/],
    ['nothing after a comma', 'a:x:read,', /key 2 must have a secret/],
    ['one secret twice', 'a:hidden:read,b:hidden:admin', /key 2 repeats the secret/],
  ])('%s is refused, and the secret is not repeated', (_, text, problem) => {
    const { problems } = parseApiKeys(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
    expect(problems[0]).not.toMatch(/hid|hhh/);
  });

  test('every wrong key is named', () => {
    expect(parseApiKeys('a:b,ok:fine:read,c:d:none').problems).toEqual([
      expect.stringContaining('key 1 '),
      expect.stringContaining('key 3 '),
    ]);
  });
});

describe('checking an Authorization header', () => {
  const keys = new ApiKeys(parseApiKeys(LIST).entries);

  test.each([
    ['the first of two keys', 'Bearer s3cret-a', { name: 'ci', role: 'publish' }],
    ['the second of two keys', 'Bearer s3cret-b', { name: 'ci', role: 'publish' }],
    ['the scheme in lower case', 'bearer looker', { name: 'view', role: 'read' }],
    ['the scheme in capitals', 'BEARER pass/word=', { name: 'ops', role: 'admin' }],
    ['spaces around the secret', 'Bearer  looker ', { name: 'view', role: 'read' }],
  ])('%s is known', (_, header, caller) => {
    expect(keys.check(header)).toEqual(caller);
  });

  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['the scheme alone', 'Bearer '],
    ['a secret without a scheme', 'looker'],
    ['another scheme', 'Basic looker'],
    ['a prefix of a secret', 'Bearer looke'],
    ['a longer text than the secret', 'Bearer lookerr'],
    ['the secret in another case', 'Bearer Looker'],
    ['a whole entry', 'Bearer view:looker:read'],
    ['a header above 512 characters', `Bearer looker${' '.repeat(512)}`],
  ])('%s is nobody', (_, header) => {
    expect(keys.check(header)).toBeNull();
  });

  test('without keys everybody is nobody', () => {
    expect(new ApiKeys([]).check('Bearer ')).toBeNull();
    expect(new ApiKeys([]).check('Bearer dev-key')).toBeNull();
  });
});

test('each role holds the ones below it', () => {
  const roles: Role[] = ['read', 'publish', 'admin'];
  const table = roles.map((role) => roles.map((needed) => holds(role, needed)));
  expect(table).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]);
});
