/** Whose word on the address of a client counts (libs/shared/src/ops/networks.ts). */

import { clientAddress, isNetwork, Networks, plainAddress } from '@halley/shared/ops';
import { describe, expect, test } from 'vitest';

describe('networks', () => {
  test.each([
    '127.0.0.1',
    '10.0.0.0/8',
    '0.0.0.0/0',
    '::1',
    '2001:db8::/32',
    '::/0',
    '::ffff:10.0.0.1',
    '::ffff:10.0.0.0/104',
  ])('%s is one', (text) => {
    expect(isNetwork(text)).toBe(true);
  });

  test.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/a',
    '::1/129',
    '::ffff:10.0.0.0/90',
    'fe80::1%eth0',
    '10.0.0.0/',
    ' 10.0.0.1',
  ])('%j is none', (text) => {
    expect(isNetwork(text)).toBe(false);
    expect(() => new Networks([text])).toThrow(RangeError);
  });

  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.0.0.1', true],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
    ['::ffff:10.0.0.0/104', '10.1.1.1', true],
    ['::/0', '10.0.0.1', false],
    ['0.0.0.0/0', '::1', false],
    ['2001:db8::/32', '2001:0db8:0:0::5', true],
    ['10.0.0.0/8', 'unknown', false],
  ])('%s holds %s: %s', (network, address, isHeld) => {
    expect(new Networks([network]).includes(address)).toBe(isHeld);
  });

  test.each([
    ['0000:0000:0000:0000:0000:0000:0000:0001', '::1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['nobody', null],
  ])('%s is spelled %s', (text, spelled) => {
    expect(plainAddress(text)).toBe(spelled);
  });
});

describe('the address of a client', () => {
  const trusted = new Networks(['10.0.0.0/8', '::1']);
  const seen = (peer: string, forwardedFor: string, proxied = '') =>
    clientAddress({ peer, proxied, forwardedFor }, trusted);

  test.each([
    ['nobody is trusted who is not named', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a proxy tells', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    [
      'what the client itself wrote is not read',
      '10.0.0.1',
      '1.1.1.1, 198.51.100.1',
      '198.51.100.1',
    ],
    ['a row of proxies', '10.0.0.1', '198.51.100.1, 10.0.0.3,10.0.0.2', '198.51.100.1'],
    ['all are proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['garbage ends it', '10.0.0.1', '198.51.100.1, garbage, 10.0.0.2', '10.0.0.2'],
    ['an empty hop ends it', '10.0.0.1', '198.51.100.1,,', '10.0.0.1'],
    ['with a port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['IPv6 in brackets', '::1', '[2001:db8::5]:80', '2001:db8::5'],
    ['no header', '10.0.0.1', '', '10.0.0.1'],
  ])('%s', (_, peer, forwardedFor, expected) => {
    expect(seen(peer, forwardedFor)).toBe(expected);
  });

  test('by PROXY, before a header; of a stranger not at all', () => {
    expect(seen('10.0.0.1', '', '198.51.100.1')).toBe('198.51.100.1');
    expect(seen('10.0.0.1', '1.1.1.1', '198.51.100.1')).toBe('198.51.100.1');
    expect(seen('10.0.0.1', '198.51.100.7', '10.0.0.2')).toBe('198.51.100.7');
    expect(seen('203.0.113.9', '', '198.51.100.1')).toBe('203.0.113.9');
  });

  test('of a header of many hops only the last are read', () => {
    const many = Array.from({ length: 10_000 }, () => '10.0.0.9').join(',');
    expect(seen('10.0.0.1', `198.51.100.1,${many}`)).toBe('10.0.0.9');
  });
});
