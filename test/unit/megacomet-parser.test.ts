/** Bytes as frames, frames as messages: by rule, and against a second model over random streams. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decodeFrame } from '@halley/api/dist/compat/megacomet/decode.js';
import {
  FRAME_LIMITS,
  type FrameLimits,
  LINE_MAX_BYTES,
} from '@halley/api/dist/compat/megacomet/limits.js';
import { type Frame, FrameParser } from '@halley/api/dist/compat/megacomet/parser.js';
import { CLIENT_ID_MAX_BYTES, type Refusal } from '@halley/shared/protocol';
import { describe, expect, it, test } from 'vitest';
import { cut, makeStream } from '../fuzz/megacomet-inputs.js';
import { type Meaning, meaningOf, type StreamMeaning } from '../fuzz/megacomet-model.js';
import { lineFrame, messageFrame } from '../kit/megacomet-app.js';
import { numberFrom, Random, seedFrom } from '../kit/random.js';
import { eventually } from '../kit/wait.js';

const DATA_MAX_BYTES = 65_536;
const SEED = seedFrom('FUZZ_SEED', 20_110_528);
const STREAMS = numberFrom('FUZZ_STREAMS', 4_000);
const PLANTED_STREAMS = 400;
const SMALL_LIMITS: FrameLimits = { idMaxBytes: 40, messageMaxBytes: 120, lineMaxBytes: 260 };
const NAMES = ['Sue', 'Jörg', '客户', 'a.b', `n${'o'.repeat(30)}`];

/** What the product makes of the segments of one connection. */
function read(
  segments: readonly Buffer[],
  limits = FRAME_LIMITS,
  isWhole = true,
  parser = new FrameParser(limits),
): StreamMeaning {
  const frames: Meaning[] = [];
  let skippedBytes = 0;
  for (const segment of segments) {
    parser.feed(segment);
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      frames.push(meaning(frame));
    }
    skippedBytes += parser.takeSkippedBytes();
  }
  const last = parser.end(isWhole);
  if (last !== null) frames.push(meaning(last));
  return { frames, skippedBytes };
}

function meaning(frame: Frame | Refusal): Meaning {
  const message = 'code' in frame ? frame : decodeFrame(frame);
  if ('code' in message) {
    return ['bad-field', 'missing-field'].includes(message.code) ? 'field' : message.code;
  }
  const { clientId, body, key } = message;
  return { clientId, ...JSON.parse(`{${body}}`), ...(key !== undefined && { key }) };
}

function framesOf(...parts: readonly (Uint8Array | string)[]): Meaning[] {
  return read([Buffer.concat(parts.map((part) => Buffer.from(part)))]).frames;
}

const sue = (data: unknown) => ({ clientId: 'Sue', data });

describe('frames', () => {
  test('MM-5: bytes between frames are skipped and counted', () => {
    const input = Buffer.concat([
      Buffer.from('\0\xff z\n'),
      messageFrame('Sue', 'Hi'),
      Buffer.of(9),
    ]);
    expect(read([input])).toEqual({ frames: [sue('Hi')], skippedBytes: 7 });
  });

  test.each([0, 1, 2, 7, 123, 255])('MM-6: a worker that says %i is ignored', (worker) => {
    const input = Buffer.concat([Buffer.of(1, worker), messageFrame('Sue', 'Hi')]);
    expect(read([input])).toEqual({ frames: [sue('Hi')], skippedBytes: 0 });
  });

  test.each([
    ['plain', 'Sue', 'Hi'],
    ['empty', 'Sue', ''],
    ['of the bytes that begin frames', 'Sue', '\x01\x02{'],
    ['of several lines', 'Sue', 'a\r\nb\n'],
    ['with quotes and a backslash', 'Sue', '"\\'],
    ['of UTF-8', 'Jörg', 'прив\u00e9t \u{1f600}'],
    ['with a byte order mark', 'Sue', '\ufeffHi'],
    ['to a name with a dot', 'a.b', 'Hi'],
    ['to a name with a brace', '{x', 'Hi'],
  ])('MM-7: a message %s', (_, id, message) => {
    expect(framesOf(messageFrame(id, message))).toEqual([{ clientId: id, data: message }]);
  });

  test.each([
    ['an empty name', messageFrame('', 'x'), 'bad-client'],
    ['a name with a control character', messageFrame('a\u001fb', 'x'), 'bad-client'],
    ['a name that is not UTF-8', messageFrame(Buffer.of(0xc3, 0x28), 'x'), 'bad-client'],
    ['a message that is not UTF-8', messageFrame('Sue', Buffer.of(0x61, 0xe2, 0x82)), 'bad-frame'],
  ])('MM-8: %s is refused, and the next frame taken', (_, wrong, code) => {
    expect(framesOf(wrong, messageFrame('Sue', 'Hi'))).toEqual([code, sue('Hi')]);
  });

  test('MM-8: a name of 200 bytes is taken, one of 201 dropped whole, by bytes and not by letters', () => {
    const longest = 'é'.repeat(CLIENT_ID_MAX_BYTES / 2);
    const longer = messageFrame(`${longest}n`, 'not\x02Sue for anybody');
    expect(framesOf(messageFrame(longest, 'x'), longer, messageFrame('Sue', 'Hi'))).toEqual([
      { clientId: longest, data: 'x' },
      'bad-client',
      sue('Hi'),
    ]);
  });

  test.each([
    ['plain', 'm'.repeat(DATA_MAX_BYTES - 2), 'm'],
    ['of two-byte letters', 'é'.repeat(DATA_MAX_BYTES / 2 - 1), 'é'],
    ['of what JSON escapes', '"'.repeat(DATA_MAX_BYTES / 2 - 1), '"'],
  ])('MM-9: the longest message %s is taken, a longer one dropped whole', (_, longest, more) => {
    const frames = [messageFrame('Sue', longest), messageFrame('Sue', longest + more)];
    expect(framesOf(...frames, messageFrame('Sue', 'Hi'))).toEqual([
      sue(longest),
      'payload-too-large',
      sue('Hi'),
    ]);
  });
});

describe('lines', () => {
  test.each(['\n', '\r\n', ''])('MM-11: a line may end with %j', (end) => {
    expect(framesOf(lineFrame({ id: 'Sue', message: { a: [1] } }, end))).toEqual([sue({ a: [1] })]);
  });

  test('MM-10: event and key are those of REST', () => {
    const line = { id: 'Sue', message: 'Hi', event: 'news', key: 'k1' };
    expect(framesOf(lineFrame(line))).toEqual([{ ...sue('Hi'), event: 'news', key: 'k1' }]);
  });

  test('MM-10: data keeps the bytes that were sent', () => {
    const parser = new FrameParser();
    parser.feed(Buffer.from('{"id":"Sue","message": {"b" : 9223372036854775807,"a":1.0} }\n'));
    const frame = parser.next();
    if (frame === null || 'code' in frame) throw new Error('no frame');
    expect(decodeFrame(frame)).toMatchObject({
      body: '"data":{"b" : 9223372036854775807,"a":1.0}',
    });
  });

  test.each([
    ['no JSON', '{"id":"Sue","message":}', 'bad-json'],
    ['two objects', '{"id":"Sue","message":1}{"id":"Sue","message":1}', 'bad-json'],
    ['a NUL', '{"id":"Sue","message":"\0"}', 'bad-json'],
    ['no message', '{"id":"Sue"}', 'field'],
    ['no id', '{"message":1}', 'field'],
    ['an id that is no name', '{"id":"a\\u0000","message":1}', 'field'],
    ['an unknown field', '{"id":"Sue","message":1,"data":1}', 'field'],
    ['an empty key', '{"id":"Sue","message":1,"key":""}', 'field'],
  ])('MM-10: %s is refused, and the next line taken', (_, line, code) => {
    expect(framesOf(`${line}\n`, lineFrame({ id: 'Sue', message: 1 }))).toEqual([code, sue(1)]);
  });

  test('MM-10: a line that is not UTF-8 is refused', () => {
    expect(framesOf('{"id":"Sue","message":"', Buffer.of(0xff), '"}\n')).toEqual(['bad-json']);
  });

  test('MM-10, MM-12: the largest data with the longest fields fits in a line; a byte more is refused', () => {
    const escaped = (count: number) => '\\u00e9'.repeat(count);
    const message = `"${'m'.repeat(DATA_MAX_BYTES - 2)}"`;
    const rest = `"event":"${escaped(100)}","key":"${escaped(200)}"`;
    const line = (data: string) => `{"id":"${escaped(100)}","message":${data},${rest}}\r\n`;
    expect(framesOf(line(message))).toMatchObject([{ clientId: 'é'.repeat(100) }]);
    expect(framesOf(line(`${message.slice(0, -1)}m"`))).toEqual(['payload-too-large']);
  });

  test('MM-12: a line of the largest size is taken, a longer one dropped whole', () => {
    const line = (bytes: number) => '{"id":"Sue","message":1}'.padEnd(bytes, ' ');
    const next = lineFrame({ id: 'Sue', message: 2 });
    expect(framesOf(`${line(LINE_MAX_BYTES)}\n`, `${line(LINE_MAX_BYTES + 1)}\n`, next)).toEqual([
      sue(1),
      'frame-too-large',
      sue(2),
    ]);
  });

  test.each([
    ['a message', messageFrame('Sue', 'Hi'), [sue('Hi')]],
    ['a worker', Buffer.concat([Buffer.of(1, 123), messageFrame('Sue', 'Hi')]), [sue('Hi')]],
  ])('MM-13: %s within a line ends the line', (_, frame, taken) => {
    expect(framesOf('{ garbage', frame)).toEqual(['bad-json', ...taken]);
    expect(framesOf('{'.repeat(2 * LINE_MAX_BYTES), frame)).toEqual(['bad-json', ...taken]);
  });
});

describe('cuts', () => {
  const mixed = Buffer.concat([
    Buffer.of(1, 2),
    messageFrame('Jörg', 'прив\u00e9t'),
    lineFrame({ id: '客户', message: { a: '"' }, event: 'e' }, '\r\n'),
    messageFrame('', 'wrong'),
    Buffer.from('?{"id" \x01{'),
    messageFrame('Sue', ''),
    lineFrame({ id: 'Sue', message: 1 }),
  ]);
  const whole = read([mixed]);

  test('MM-14: at any byte, frames mean the same', () => {
    expect(whole.frames).toHaveLength(6);
    expect(read([...mixed].map((byte) => Buffer.of(byte)))).toEqual(whole);
    for (let at = 0; at <= mixed.length; at += 1) {
      expect(read([mixed.subarray(0, at), mixed.subarray(at)])).toEqual(whole);
    }
  });

  test.each([
    ['a name', Buffer.of(2, 0x53), ['bad-frame'], ['bad-frame']],
    ['a message', messageFrame('Sue', 'Hi').subarray(0, -1), ['bad-frame'], ['bad-frame']],
    ['a worker', Buffer.of(1), [], []],
    ['half a line', Buffer.from('{"id":"Sue"'), ['bad-json'], ['bad-frame']],
    ['a line without its end', lineFrame({ id: 'Sue', message: 1 }, ''), [sue(1)], ['bad-frame']],
  ])('MM-21: an end within %s', (_, bytes, atEnd, atReset) => {
    const input = Buffer.concat([messageFrame('Sue', 'Hi'), bytes]);
    expect(read([input]).frames).toEqual([sue('Hi'), ...atEnd]);
    expect(read([input], FRAME_LIMITS, false).frames).toEqual([sue('Hi'), ...atReset]);
  });

  test.each([
    ['name', '\x02'],
    ['message', '\x02Sue\0'],
    ['line', '{'],
    ['garbage', '?'],
  ])('MM-15: 64 MiB of a %s are not kept', (_, head) => {
    const parser = new FrameParser();
    const chunk = Buffer.alloc(1_048_576, 'x');
    parser.feed(Buffer.from(head));
    expect(parser.next()).toBeNull();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 64; count += 1) {
      parser.feed(chunk);
      expect(parser.next()).toBeNull();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_048_576);
    parser.feed(Buffer.concat([Buffer.from('\0\0\n'), messageFrame('Sue', 'Hi')]));
    const frames = [parser.next(), parser.next()].filter((frame) => frame !== null);
    expect(frames.map(meaning).at(-1)).toEqual(sue('Hi'));
  });

  test('MM-15: a frame that comes byte by byte does not hold on to the chunks', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const parser = new FrameParser();
    parser.feed(Buffer.from('\x02Sue\0'));
    expect(parser.next()).toBeNull();
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 4_000; count += 1) {
      parser.feed(Buffer.alloc(8_192, 'x').subarray(0, 1));
      expect(parser.next()).toBeNull();
    }
    // The engine gives back what it has collected a little later, on a thread of its own.
    const isGivenBack = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before < 1_048_576;
    };
    await eventually(isGivenBack, 'the chunks are let go of');
    parser.feed(Buffer.of(0));
    const frame = parser.next();
    expect(frame === null || meaning(frame)).toEqual(sue('x'.repeat(4_000)));
  });
});

describe('the parser and a second model of it', () => {
  type Read = (segments: readonly Buffer[], limits: FrameLimits) => StreamMeaning;

  /** The first stream about which they differ. */
  function differing(reads: Read, streams: number) {
    let frames = 0;
    for (let index = 0; index < streams; index += 1) {
      const random = Random.ofCase(SEED, index);
      const stream = makeStream(random, NAMES, SMALL_LIMITS, random.int(1, 25));
      const found = reads(cut(random, stream), SMALL_LIMITS);
      const expected = meaningOf(stream, SMALL_LIMITS);
      frames += expected.frames.length;
      if (JSON.stringify(found) !== JSON.stringify(expected)) {
        return { frames, finding: { index, stream: stream.toString('latin1'), found, expected } };
      }
    }
    return { frames, finding: null };
  }

  it(`MM-5 to MM-15 hold for ${STREAMS} streams of seed ${SEED}`, () => {
    const { frames, finding } = differing(read, STREAMS);
    expect(finding).toBeNull();
    expect(frames).toBeGreaterThan(8 * STREAMS);
  });

  const atEachSegment: Read = (segments, limits) => {
    const parts = segments.map((segment) => read([segment], limits));
    return {
      frames: parts.flatMap((part) => part.frames),
      skippedBytes: parts.reduce((sum, part) => sum + part.skippedBytes, 0),
    };
  };

  it.each<[what: string, wrong: Read]>([
    ['a parser that forgets at each segment', atEachSegment],
    [
      'a name that is one byte longer',
      (segments, limits) => read(segments, { ...limits, idMaxBytes: limits.idMaxBytes + 1 }),
    ],
    [
      'a message that is one byte shorter',
      (segments, limits) =>
        read(segments, { ...limits, messageMaxBytes: limits.messageMaxBytes - 1 }),
    ],
    [
      'a line that is one byte longer',
      (segments, limits) => read(segments, { ...limits, lineMaxBytes: limits.lineMaxBytes + 1 }),
    ],
    ['an end that is not told', (segments, limits) => read(segments, limits, false)],
  ])('differ about %s', (_, wrong) => {
    expect(differing(wrong, PLANTED_STREAMS).finding).not.toBeNull();
  });
});
