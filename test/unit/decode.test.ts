import { decodeClientText, errorOfRefused } from '@halley/shared/protocol';
import { describe, expect, it } from 'vitest';

const CHANNEL = 'demo:hello';
const POSITION = '1700000000000-0.abcd';

function decoded(frame: unknown) {
  const [first, ...others] = decodeClientText(JSON.stringify(frame));
  expect(others).toEqual([]);
  return first;
}

describe('frames that are taken', () => {
  it.each([
    [{ type: 'subscribe', ref: 1, channel: CHANNEL }, {}],
    [{ type: 'subscribe', ref: 'a', channel: CHANNEL, after: POSITION, token: 'x.y.z' }, {}],
    [{ type: 'subscribe', ref: 0, channel: CHANNEL, last: 1_000 }, {}],
    [{ type: 'unsubscribe', ref: 1, channel: CHANNEL }, {}],
    [{ type: 'publish', ref: 1, channel: CHANNEL, data: null }, { data: 'null' }],
    [
      { type: 'publish', ref: 1, channel: CHANNEL, data: { a: [1] }, event: 'e', key: 'k' },
      { data: '{"a":[1]}' },
    ],
    [{ type: 'history', ref: 1, channel: CHANNEL }, { limit: 100 }],
    [{ type: 'history', ref: 1, channel: CHANNEL, before: POSITION, limit: 1 }, {}],
    [{ type: 'members', ref: 1, channel: CHANNEL }, { limit: 1_000 }],
    [{ type: 'members', ref: 1, channel: CHANNEL, after: 'ann', limit: 1_000 }, {}],
    [{ type: 'ack', id: POSITION }, {}],
    [{ type: 'auth', ref: 1, token: 'x.y.z' }, {}],
    [{ type: 'ping' }, {}],
  ])('%j', (frame, changes) => {
    expect(decoded(frame)).toEqual({ ...frame, ...changes });
  });

  it('are stripped of what the table does not know', () => {
    expect(decoded({ type: 'ping', ref: 1, later: true })).toEqual({ type: 'ping' });
  });

  it('may come as an array', () => {
    expect(decodeClientText('[{"type":"ping"} , {"type":"ping"}]')).toHaveLength(2);
    expect(decodeClientText('[]')).toEqual([]);
  });

  it('carry data byte for byte, each its own', () => {
    const frames = ['9223372036854775807', '{ "b": 1.0,"a":"\\u0041" }'].map(
      (data) => `{"type":"publish","ref":1,"channel":"demo:a", "data" : ${data} }`,
    );
    const data = decodeClientText(`[${frames.join(',')}]`).map((frame) =>
      Reflect.get(frame, 'data'),
    );
    expect(data).toEqual(['9223372036854775807', '{ "b": 1.0,"a":"\\u0041" }']);
  });
});

describe('frames that are refused', () => {
  it.each([
    ['no JSON', '{', { code: 'bad-json' }],
    ['no text at all', '', { code: 'bad-json' }],
    ['a byte order mark', '\ufeff{"type":"ping"}', { code: 'bad-json' }],
    ['a string', '"ping"', { code: 'bad-frame' }],
    ['null', 'null', { code: 'bad-frame' }],
    ['an array in an array', '[[]]', { code: 'bad-frame' }],
    ['no type', '{}', { code: 'missing-field', field: 'type' }],
    ['a type that is no text', '{"type":1}', { code: 'unknown-type', field: 'type' }],
    ['a type of the edge', '{"type":"welcome"}', { code: 'unknown-type', field: 'type' }],
    [
      'a type that every object has',
      '{"type":"toString"}',
      { code: 'unknown-type', field: 'type' },
    ],
    ['the type of a prototype', '{"__proto__":{"type":"ping"}}', { code: 'missing-field' }],
    ['no ref', '{"type":"auth","token":"x"}', { code: 'missing-field', field: 'ref' }],
    ['an empty ref', '{"type":"auth","token":"x","ref":""}', { code: 'bad-field', field: 'ref' }],
    ['a negative ref', '{"type":"auth","token":"x","ref":-1}', { code: 'bad-field', field: 'ref' }],
    [
      'a ref of null',
      '{"type":"auth","token":"x","ref":null}',
      { code: 'bad-field', field: 'ref' },
    ],
    [
      'no data',
      '{"type":"publish","ref":1,"channel":"a"}',
      { code: 'missing-field', field: 'data' },
    ],
    ['no position', '{"type":"ack"}', { code: 'missing-field', field: 'id' }],
    ['a bad position', '{"type":"ack","id":"1-1"}', { code: 'bad-position', field: 'id' }],
  ])('%s', (_, text, refused) => {
    expect(decodeClientText(text)).toEqual([
      expect.objectContaining({ type: 'refused', ...refused }),
    ]);
  });

  it.each([
    [{ after: POSITION, last: 1 }, 'bad-field', 'last'],
    [{ last: 1_001 }, 'bad-field', 'last'],
    [{ last: -1 }, 'bad-field', 'last'],
    [{ last: 0.5 }, 'bad-field', 'last'],
    [{ last: '1' }, 'bad-field', 'last'],
    [{ after: '' }, 'bad-position', 'after'],
    [{ token: '' }, 'bad-field', 'token'],
    [{ token: 'x'.repeat(8_193) }, 'bad-field', 'token'],
    [{ token: 'a\u0000b' }, 'bad-field', 'token'],
    [{ channel: 'a b' }, 'bad-channel', 'channel'],
    [{ channel: 7 }, 'bad-channel', 'channel'],
  ])('a subscribe with %j', (change, code, field) => {
    const frame = { type: 'subscribe', ref: 1, channel: CHANNEL, ...change };
    expect(decoded(frame)).toMatchObject({ type: 'refused', code, field, ref: 1 });
  });

  it('says what is allowed, naming the field', () => {
    const frame = decoded({ type: 'history', ref: 1, channel: CHANNEL, limit: 1_001 });
    expect(frame).toMatchObject({ message: '"limit" must be an integer from 1 to 1000' });
  });

  it('finds its frame again by ref and channel, and only by usable ones', () => {
    const [first] = decodeClientText('{"type":"nope","ref":"r","channel":"demo:a"}');
    expect(first).toMatchObject({ ref: 'r', channel: 'demo:a' });
    const [second] = decodeClientText('{"type":"nope","ref":{},"channel":"a b"}');
    expect(second).not.toHaveProperty('ref');
    expect(second).not.toHaveProperty('channel');
    if (first?.type !== 'refused') throw new Error('not refused');
    expect(errorOfRefused(first)).toMatchObject({ type: 'error', code: 'unknown-type', ref: 'r' });
  });

  it('does not spoil its neighbours', () => {
    const types = decodeClientText('[{"type":"ping"},7,{"type":"ping"}]').map(({ type }) => type);
    expect(types).toEqual(['ping', 'refused', 'ping']);
  });

  it('is one answer for an array of more than 128', () => {
    const pings = (count: number) => `[${new Array(count).fill('{"type":"ping"}').join(',')}]`;
    expect(decodeClientText(pings(128))).toHaveLength(128);
    expect(decodeClientText(pings(129))).toEqual([
      expect.objectContaining({ type: 'refused', code: 'too-many-frames' }),
    ]);
  });
});
