import {
  type Action,
  banMember,
  type Claims,
  clientMember,
  matches,
  may,
  REVOCATIONS_MAX_ENTRIES,
  Revocations,
  tokenMember,
} from '@halley/shared/auth';
import { describe, expect, test } from 'vitest';

const ACTIONS: Action[] = ['subscribe', 'publish', 'history', 'presence'];
const NOW_MS = 1_800_000_000_000;
const NOW_SECONDS = NOW_MS / 1_000;

function claimsOf(rest: Partial<Claims> = {}): Claims {
  return { clientId: 'alice', expiresAtSeconds: NOW_SECONDS + 60, ...rest };
}

describe('patterns', () => {
  test.each([
    ['room:1', 'room:1', true],
    ['room:1', 'room:12', false],
    ['room:12', 'room:1', false],
    ['room:*', 'room:1', true],
    ['room:*', 'room:', true],
    ['room:*', 'room', false],
    ['room:*', 'rooms:1', false],
    ['*', 'anything', true],
    ['ro*m:1', 'room:1', false],
    ['*:1', 'room:1', false],
    ['', 'room', false],
    ['inbox:{sub}', 'inbox:alice', true],
    ['inbox:{sub}', 'inbox:bob', false],
    ['inbox:{sub}', 'inbox:alice2', false],
    ['inbox:{sub}', 'inbox:{sub}', false],
    ['inbox:{sub}:*', 'inbox:alice:x', true],
    ['inbox:{sub}:*', 'inbox:alice', false],
    ['{sub}:{sub}', 'alice:alice', true],
    ['{sub}:{sub}', 'alice:bob', false],
    ['{sub', 'alice', false],
    ['ROOM:*', 'room:1', false],
  ])('%s on %s: %s', (pattern, channel, expected) => {
    expect(matches(pattern, channel, 'alice')).toBe(expected);
  });

  test.each([
    ['a star is no wildcard', '*', 'inbox:bob', false],
    ['a star is its escaped self', '*', 'inbox:~2A', true],
    ['a star at the end is no wildcard', 'a*', 'inbox:ab', false],
    ['a placeholder is not filled again', '{sub}', 'inbox:~7Bsub~7D', true],
    ['a placeholder does not stand for itself', '{sub}', 'inbox:{sub}', false],
    ['a slash is escaped', 'a/b', 'inbox:a~2Fb', true],
    ['a tilde is escaped', 'a~2Fb', 'inbox:a~7E2Fb', true],
    ['a tilde is not taken for an escape', 'a~2Fb', 'inbox:a~2Fb', false],
    ['letters beyond ASCII are escaped', 'J\u00f6', 'inbox:J~C3~B6', true],
  ])('in a client name %s', (_, clientId, channel, expected) => {
    expect(matches('inbox:{sub}', channel, clientId)).toBe(expected);
  });
});

describe('rights', () => {
  const all = ['*'];
  const token = claimsOf({ subscribe: all, publish: all, presence: all });

  test.each(ACTIONS)('anyone may %s under "anyone", nobody under "none"', (action) => {
    expect(may(action, 'x', 'anyone', null, false)).toBe(true);
    expect(may(action, 'x', 'none', token, true)).toBe(false);
    expect(may(action, 'x', 'none', claimsOf({ channel: 'x' }), true)).toBe(false);
  });

  test.each(ACTIONS)('"client" takes a token or a trusted name for %s', (action) => {
    expect(may(action, 'x', 'client', null, false)).toBe(false);
    expect(may(action, 'x', 'client', null, true)).toBe(true);
    expect(may(action, 'x', 'client', claimsOf(), false)).toBe(true);
  });

  test.each(ACTIONS)('"token" takes no name and no token without the list for %s', (action) => {
    expect(may(action, 'x', 'token', null, true)).toBe(false);
    expect(may(action, 'x', 'token', claimsOf(), true)).toBe(false);
    expect(may(action, 'x', 'token', token, false)).toBe(true);
  });

  test.each([
    ['subscribe', ['subscribe', 'history']],
    ['publish', ['publish']],
    ['presence', ['presence']],
  ] as const)('the list %s grants %s and nothing else', (list, granted) => {
    const claims = claimsOf({ [list]: ['no', 'room:*'] });
    const allowed = ACTIONS.filter((action) => may(action, 'room:1', 'token', claims, true));
    expect(allowed).toEqual(granted);
    expect(ACTIONS.filter((action) => may(action, 'hall:1', 'token', claims, true))).toEqual([]);
  });

  test('a token for one channel grants all but publishing there', () => {
    const claims = claimsOf({ channel: 'room:1' });
    const allowed = ACTIONS.filter((action) => may(action, 'room:1', 'token', claims, false));
    expect(allowed).toEqual(['subscribe', 'history', 'presence']);
  });

  test('a token for one channel is worth nothing on any other', () => {
    const claims = claimsOf({ channel: 'room:1', subscribe: ['*'], publish: ['*'] });
    expect(may('publish', 'room:1', 'token', claims, false)).toBe(true);
    for (const action of ACTIONS) {
      expect(may(action, 'room:2', 'token', claims, false)).toBe(false);
      expect(may(action, 'room:2', 'client', claims, false)).toBe(false);
      expect(may(action, 'room:2', 'client', claims, true)).toBe(true);
    }
  });
});

describe('revocations', () => {
  test('a token is revoked by its jti until the entry ends', () => {
    const revoked = new Revocations();
    const claims = claimsOf({ jti: 'abc' });
    expect(revoked.isRevoked(claims, NOW_MS)).toBe(false);
    expect(revoked.add(tokenMember('abc'), NOW_SECONDS + 5, NOW_MS)).toBe(true);
    expect(revoked.isRevoked(claims, NOW_MS)).toBe(true);
    expect(revoked.isRevoked(claims, NOW_MS + 4_999)).toBe(true);
    expect(revoked.isRevoked(claims, NOW_MS + 5_000)).toBe(false);
    expect(revoked.isRevoked(claimsOf({ jti: 'abd' }), NOW_MS)).toBe(false);
    expect(revoked.isRevoked(claimsOf(), NOW_MS)).toBe(false);
  });

  test.each([
    ['issued before', { issuedAtSeconds: NOW_SECONDS - 1 }, true],
    ['issued at that second', { issuedAtSeconds: NOW_SECONDS }, false],
    ['issued in a fraction before', { issuedAtSeconds: NOW_SECONDS - 0.5 }, true],
    ['issued later', { issuedAtSeconds: NOW_SECONDS + 1 }, false],
    ['of an unknown time', {}, true],
    ['of another client', { clientId: 'bob', issuedAtSeconds: 0 }, false],
  ])('revoking a client: a token %s: %s', (_, rest, expected) => {
    const revoked = new Revocations();
    revoked.add(clientMember('alice', NOW_SECONDS), NOW_SECONDS + 60, NOW_MS);
    expect(revoked.isRevoked(claimsOf(rest), NOW_MS)).toBe(expected);
    expect(revoked.isRevoked(claimsOf(rest), NOW_MS + 60_000)).toBe(false);
  });

  test('two revocations of a client cover what each covers, in any order', () => {
    for (const order of [
      [10, 5],
      [5, 10],
    ] as const) {
      const revoked = new Revocations();
      for (const before of order) {
        revoked.add(clientMember('alice', before), NOW_SECONDS + before, NOW_MS);
      }
      const claims = claimsOf({ issuedAtSeconds: 9 });
      expect(revoked.isRevoked(claims, NOW_MS + 9_000)).toBe(true);
      expect(revoked.isRevoked(claims, NOW_MS + 10_000)).toBe(false);
    }
  });

  test('colons in names do not move a revocation to somebody else', () => {
    const revoked = new Revocations();
    revoked.add(clientMember('a:5', 100), NOW_SECONDS + 60, NOW_MS);
    revoked.add(clientMember('line\u2028:x', 100), NOW_SECONDS + 60, NOW_MS);
    expect(revoked.isRevoked(claimsOf({ clientId: 'a:5' }), NOW_MS)).toBe(true);
    expect(revoked.isRevoked(claimsOf({ clientId: 'line\u2028:x' }), NOW_MS)).toBe(true);
    expect(revoked.isRevoked(claimsOf({ clientId: 'a' }), NOW_MS)).toBe(false);
  });

  test('a ban ends, and holds for one channel and one client', () => {
    const revoked = new Revocations();
    revoked.add(banMember('room:1', 'alice'), NOW_SECONDS + 10, NOW_MS);
    expect(revoked.bannedUntil('room:1', 'alice', NOW_MS)).toBe(NOW_MS + 10_000);
    expect(revoked.bannedUntil('room:1', 'alice', NOW_MS + 10_000)).toBeNull();
    expect(revoked.bannedUntil('room:1', 'bob', NOW_MS)).toBeNull();
    expect(revoked.bannedUntil('room', '1:alice', NOW_MS)).toBeNull();
    expect(revoked.isRevoked(claimsOf(), NOW_MS)).toBe(false);
  });

  test('a reload replaces the copy, but keeps what came while it was read', () => {
    const revoked = new Revocations();
    const ends = NOW_SECONDS + 60;
    expect(revoked.load([[tokenMember('old'), ends]], NOW_MS)).toBe(0);
    revoked.add(tokenMember('news'), ends, NOW_MS);
    revoked.load([[tokenMember('other'), ends]], NOW_MS);
    const isRevoked = (jti: string) => revoked.isRevoked(claimsOf({ jti }), NOW_MS);
    expect(['old', 'news', 'other'].map(isRevoked)).toEqual([false, true, true]);
    revoked.load([[tokenMember('other'), ends]], NOW_MS);
    expect(['old', 'news', 'other'].map(isRevoked)).toEqual([false, false, true]);
  });

  test('a reload leaves out what has ended and counts what it cannot read', () => {
    const revoked = new Revocations();
    const refused = revoked.load(
      [
        [tokenMember('gone'), NOW_SECONDS],
        [tokenMember('here'), NOW_SECONDS + 1],
        ['x:unknown', NOW_SECONDS + 1],
        ['t:', NOW_SECONDS + 1],
        ['c:alice:soon', NOW_SECONDS + 1],
      ],
      NOW_MS,
    );
    expect(refused).toBe(3);
    expect(revoked.size).toBe(1);
  });

  test('an entry without an end is refused', () => {
    expect(new Revocations().add(tokenMember('a'), Number.NaN, NOW_MS)).toBe(false);
  });

  test('a full copy says so, and takes new entries when old ones have ended', () => {
    const revoked = new Revocations();
    const many = Array.from(
      { length: REVOCATIONS_MAX_ENTRIES },
      (_, index) => [tokenMember(`n${index}`), NOW_SECONDS + 10] as const,
    );
    expect(revoked.load(many, NOW_MS)).toBe(0);
    expect(revoked.add(tokenMember('more'), NOW_SECONDS + 60, NOW_MS)).toBe(false);
    expect(revoked.add(clientMember('more', 1), NOW_SECONDS + 60, NOW_MS)).toBe(false);
    expect(revoked.add(tokenMember('n0'), NOW_SECONDS + 60, NOW_MS)).toBe(true);
    expect(revoked.add(tokenMember('more'), NOW_SECONDS + 60, NOW_MS + 10_000)).toBe(true);
    expect(revoked.size).toBe(2);
  });
});
