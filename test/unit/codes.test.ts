import {
  adviceOf,
  type CloseCode,
  CODES,
  type Code,
  closeNumber,
  RefusedError,
  refusal,
  statusOf,
} from '@halley/shared/protocol';
import { describe, expect, it, test } from 'vitest';
import { isPassing } from '../../libs/sdk/dist/refusals.js';

const ALL = Object.keys(CODES) as Code[];
const CLOSING = ALL.filter((code): code is CloseCode => 'close' in CODES[code]);

/** What each code that ends a connection must make a client do. */
const ADVICE: Readonly<Record<CloseCode, string>> = {
  disconnected: 'stop',
  'origin-refused': 'stop',
  'bad-client': 'stop',
  'protocol-broken': 'stop',
  'bad-position': 'stop',
  'presence-unavailable': 'reconnect',
  'too-many-connections': 'reconnect',
  'edge-full': 'reconnect',
  'rate-limited': 'reconnect',
  'slow-reader': 'resume',
  draining: 'resume',
  'token-expired': 'renew-token',
  'bad-token': 'renew-token',
  'token-revoked': 'renew-token',
};

describe('the table of codes', () => {
  it.each(ALL)('%s has a text and a kebab-case name', (code) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(CODES[code].text).toMatch(/\S/);
    expect('close' in CODES[code] || 'status' in CODES[code]).toBe(true);
  });

  it('gives each code that ends a connection a number of its own', () => {
    const numbers = CLOSING.map(closeNumber);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) {
      expect(number).toBeGreaterThanOrEqual(4000);
      expect(number).toBeLessThan(4400);
    }
  });

  it('knows the advice of every one', () => {
    expect(CLOSING.toSorted()).toEqual(Object.keys(ADVICE).toSorted());
  });

  it.each(CLOSING)('%s advises by its range', (code) => {
    expect(adviceOf(closeNumber(code))).toBe(ADVICE[code]);
  });

  it.each(ALL)('%s has a status of an error', (code) => {
    const status = statusOf(code);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  });

  it('answers 500 only for defects of the server', () => {
    const explicit = ALL.filter((code) => 'status' in CODES[code] && CODES[code].status === 500);
    expect(explicit).toEqual(['internal']);
  });
});

test('the SDK tries again by itself what may succeed a moment later, and nothing else', () => {
  const passing = ALL.filter((code) => isPassing({ type: 'error', ...refusal(code) }));
  expect(passing.toSorted()).toEqual([
    'authorizer-unavailable',
    'draining',
    'edge-full',
    'internal',
    'outcome-unknown',
    'overloaded',
    'presence-unavailable',
    'rate-limited',
    'unavailable',
  ]);
});

describe('adviceOf', () => {
  it.each([
    [4000, 'stop'],
    [4099, 'stop'],
    [4100, 'reconnect'],
    [4199, 'reconnect'],
    [4200, 'resume'],
    [4299, 'resume'],
    [4300, 'renew-token'],
    [4399, 'renew-token'],
  ])('of %i is %s', (close, advice) => {
    expect(adviceOf(close)).toBe(advice);
  });

  it.each([1000, 1001, 1005, 1006, 1011, 3000, 3999, 4400, 4999])(
    'of %i, which is not in the table, is to reconnect',
    (close) => {
      expect(adviceOf(close)).toBe('reconnect');
    },
  );
});

describe('refusal', () => {
  it('takes the text of the table where none is given', () => {
    expect(refusal('bad-json')).toEqual({ code: 'bad-json', message: CODES['bad-json'].text });
  });

  it('names a field only where there is one', () => {
    const named = refusal('bad-field', '"limit" is too large', 'limit');
    expect(named).toEqual({ code: 'bad-field', message: '"limit" is too large', field: 'limit' });
    expect(Object.hasOwn(refusal('bad-field', 'x'), 'field')).toBe(false);
  });

  it('travels in an error', () => {
    const refused = refusal('forbidden');
    expect(new RefusedError(refused).refusal).toBe(refused);
    expect(new RefusedError(refused).message).toBe(refused.message);
  });
});
