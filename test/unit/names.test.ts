import {
  clientChannel,
  clientOfChannel,
  escapeName,
  isChannel,
  isClientId,
  namespaceOf,
  unescapeName,
} from '@halley/shared/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;:~';
const BYTE_ORDER_MARK = '\ufeff';

describe('isChannel', () => {
  it.each(['a', 'demo:hello', ':', '::', '-', '@', '@team:7', '@client', '~', '~zz', ALPHABET])(
    'takes %s',
    (name) => {
      expect(isChannel(name)).toBe(true);
    },
  );

  it('takes each ASCII character of the alphabet and no other', () => {
    for (let code = 0; code < 128; code += 1) {
      const char = String.fromCharCode(code);
      expect(isChannel(`a${char}b`), `character ${code}`).toBe(ALPHABET.includes(char));
    }
  });

  it('takes 200 bytes and not one more', () => {
    expect(isChannel('a'.repeat(200))).toBe(true);
    expect(isChannel('a'.repeat(201))).toBe(false);
  });

  it.each([
    ['empty', ''],
    ['a space', 'a b'],
    ['a slash', 'a/b'],
    ['a percent sign', '%41'],
    ['the braces of a hash tag', '{0}'],
    ['a line break at the end', 'demo:a\n'],
    ['a letter beyond ASCII', 'caf\u00e9'],
    ['a Cyrillic letter that looks Latin', '\u0430bc'],
    ['a digit of another script', '\u0661'],
    ['a null byte', 'a\u0000'],
    ['no text', 7],
    ['an array', ['a']],
    ['null', null],
  ])('refuses %s', (_, name) => {
    expect(isChannel(name)).toBe(false);
  });
});

describe('presence channels', () => {
  it.each([
    { client: 'ann', channel: '@client:ann' },
    { client: 'a b', channel: '@client:a~20b' },
    { client: 'a~b', channel: '@client:a~7Eb' },
    { client: 'a:b', channel: '@client:a:b' },
    { client: '\u00e9', channel: '@client:~C3~A9' },
    { client: '\u{1f600}', channel: '@client:~F0~9F~98~80' },
    { client: BYTE_ORDER_MARK, channel: '@client:~EF~BB~BF' },
    { client: `${BYTE_ORDER_MARK}ann`, channel: '@client:~EF~BB~BFann' },
  ])('$channel is that of $client', ({ client, channel }) => {
    expect(clientChannel(client)).toBe(channel);
    expect(clientOfChannel(channel)).toBe(client);
    expect(isChannel(channel)).toBe(true);
  });

  it('may be longer than other channels, for names of 200 bytes that need escapes', () => {
    const client = '\u00e9'.repeat(100);
    expect(isClientId(client)).toBe(true);
    expect(isChannel(clientChannel(client))).toBe(true);
    expect(isChannel(`@client:${'a'.repeat(201)}`)).toBe(false);
  });

  it.each([
    ['no name', '@client:'],
    ['a lower-case escape', '@client:~c3~a9'],
    ['an escape of a character that needs none', '@client:~61nn'],
    ['half an escape', '@client:ann~4'],
    ['an escape of no hex digits', '@client:ann~ZZ'],
    ['a bare tilde', '@client:ann~'],
    ['bytes that are no UTF-8', '@client:~FF'],
    ['UTF-8 that ends too early', '@client:~C3'],
    ['an overlong form', '@client:~C0~AF'],
    ['a surrogate in UTF-8', '@client:~ED~A0~80'],
    ['a control character', '@client:~00'],
    ['a control character of the second set', '@client:~C2~85'],
  ])('refuses %s', (_, channel) => {
    expect(clientOfChannel(channel)).toBeNull();
    expect(isChannel(channel)).toBe(false);
  });

  it('belong to every valid client name, each to one', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter(isClientId);
    fc.assert(
      fc.property(name, (client) => {
        const channel = clientChannel(client);
        expect(isChannel(channel)).toBe(true);
        expect(clientOfChannel(channel)).toBe(client);
      }),
      { seed: 2, numRuns: 1_500, examples: [[BYTE_ORDER_MARK], ['{0}'], ['*'], ['/'], ['~7E']] },
    );
  });
});

describe('escapeName and unescapeName', () => {
  it('leave plain names alone', () => {
    const plain = ALPHABET.replace('~', '');
    expect(escapeName(plain)).toBe(plain);
    expect(unescapeName(plain)).toBe(plain);
    expect(unescapeName('')).toBe('');
  });

  it('are inverse to each other', () => {
    const name = fc.string({ unit: 'binary', maxLength: 80 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(name, (text) => {
        const escaped = escapeName(text);
        expect(escaped).toMatch(/^[A-Za-z0-9_\-=@,.;:~]*$/);
        expect(unescapeName(escaped)).toBe(text);
      }),
      { seed: 3, numRuns: 1_500 },
    );
  });

  it('let one name have one spelling', () => {
    const unit = fc.constantFrom('~', '4', '1', 'C', '3', 'A', '9', 'a', 'F', ' ', '\u00e9', '~41');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
        const name = unescapeName(text);
        if (name !== null) expect(escapeName(name)).toBe(text);
      }),
      { seed: 4, numRuns: 10_000 },
    );
  });
});

describe('isClientId', () => {
  const longest = [
    'a'.repeat(200),
    '\u00e9'.repeat(100),
    `${'\u20ac'.repeat(66)}aa`,
    '\u{1f600}'.repeat(50),
  ];

  it.each(longest)('takes 200 bytes of %j, not one more', (client) => {
    expect(Buffer.byteLength(client)).toBe(200);
    expect(isClientId(client)).toBe(true);
    expect(isClientId(`${client}a`)).toBe(false);
  });

  it.each(['a', ' ', 'ann smith', '\u00e9', '\u{1f600}', 'a,b', '{x}', '*'])(
    'takes %j',
    (client) => {
      expect(isClientId(client)).toBe(true);
    },
  );

  it.each([
    ['empty', ''],
    ['201 bytes in 101 characters', `${'\u00e9'.repeat(100)}a`],
    ['a null byte', 'a\u0000'],
    ['a line break', 'a\nb'],
    ['DEL', '\u007f'],
    ['a control character of the second set', '\u0085'],
    ['a lone high surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udc00a'],
    ['no text', 7],
    ['null', null],
  ])('refuses %s', (_, client) => {
    expect(isClientId(client)).toBe(false);
  });
});

describe('namespaceOf', () => {
  it.each([
    { channel: 'demo:hello', namespace: 'demo' },
    { channel: 'demo:a:b', namespace: 'demo' },
    { channel: 'plain', namespace: '' },
    { channel: ':x', namespace: '' },
    { channel: 'demo:', namespace: 'demo' },
    { channel: '@client:ann', namespace: '@client' },
  ])('of $channel is "$namespace"', ({ channel, namespace }) => {
    expect(namespaceOf(channel)).toBe(namespace);
  });
});
