/**
 * The cases of the Autobahn test suite that matter to a server of text frames: what is sent after the
 * welcome, and what must come back by RFC 6455. The ids are Autobahn's.
 */

import { type FrameFields, OPCODE } from '../kit/raw-websocket.js';

export interface Comes {
  /** Texts and the payloads of pongs (`pong:...`), in order. */
  readonly frames?: readonly string[];
  /**
   * How it ends: `stays` (it answers a last ping), `cut` (the connection is gone and no close frame came),
   * or the close frame that is answered, null being one without a code.
   */
  readonly end: 'stays' | 'cut' | { readonly close: number | null; readonly reason?: string };
}

export interface Case {
  readonly id: string;
  readonly what: string;
  readonly sent: readonly FrameFields[];
  readonly comes: Comes;
  /** Where this differs, harmlessly, from the letter of the RFC. */
  readonly differs?: string;
}

const { text, binary, continuation, close, ping, pong } = OPCODE;

const ASK = '{"type":"ping"}';
const ANSWER = '{"type":"pong"}';
const NOT_BINARY = '{"type":"error","code":"bad-frame","message":"frames are text, not binary"}';
const NOT_JSON = '{"type":"error","code":"bad-json","message":"this is not JSON"}';

/** 7.1.7 of the RFC says SHOULD to a close frame before the cut; uWebSockets.js sends none. */
const NO_CLOSE_FRAME = 'a violation is cut without a close frame: the client sees 1006 and resumes';
/** A bad close is a violation, too: the RFC would have 1002 in the answer. */
const EMPTY_CLOSE = 'a close that is not allowed is answered by an empty close frame, not by 1002';

/** 5.1 of the RFC says MUST close. A peer can only garble what it says itself. */
const NO_MASK = 'uWebSockets.js reads every frame as a masked one, whatever the bit says';

const asked = (answer: string): Comes => ({ frames: [answer], end: 'stays' });

function cut(id: string, what: string, ...sent: FrameFields[]): Case {
  return { id, what, sent, comes: { end: 'cut' }, differs: NO_CLOSE_FRAME };
}

/** The bytes of a text, cut where no character ends. */
const SNOWMAN = Buffer.from('{"type":"ping","x":"\u2603"}');
const INSIDE_SNOWMAN = SNOWMAN.indexOf(0xe2) + 1;

export const FRAMES: readonly Case[] = [
  { id: '1.1.1', what: 'an empty text', sent: [{ opcode: text }], comes: asked(NOT_JSON) },
  { id: '1.1.2', what: 'a text', sent: [{ opcode: text, payload: ASK }], comes: asked(ANSWER) },
  {
    id: '1.1.4',
    what: 'a text whose length takes 16 bits',
    sent: [{ opcode: text, payload: ASK.padEnd(126) }],
    comes: asked(ANSWER),
  },
  {
    id: '1.2.2',
    what: 'a binary message: the wire has none, and says so by name',
    sent: [{ opcode: binary, payload: ASK }],
    comes: asked(NOT_BINARY),
  },
  {
    id: '1.x',
    what: 'a ping without a mask: four bytes of its payload are taken for one',
    sent: [{ opcode: ping, payload: 'abcdabcd', isMasked: false, declaredBytes: 4n }],
    comes: asked('pong:\0\0\0\0'),
    differs: NO_MASK,
  },
  cut('1.x', 'a length beyond the limit, head only', { opcode: text, declaredBytes: 300_000n }),
  cut('1.x', 'a length of 63 bits', { opcode: text, declaredBytes: 2n ** 63n - 1n }),
  cut('1.x', 'a length of 64 bits', { opcode: binary, declaredBytes: 2n ** 64n - 1n }),
];

export const CONTROL: readonly Case[] = [
  { id: '2.1', what: 'a ping', sent: [{ opcode: ping }], comes: asked('pong:') },
  {
    id: '2.2',
    what: 'a ping with a payload',
    sent: [{ opcode: ping, payload: 'hello' }],
    comes: asked('pong:hello'),
  },
  {
    id: '2.3',
    what: 'a ping with bytes that are no text',
    sent: [{ opcode: ping, payload: Buffer.of(0, 0xff, 0xfe) }],
    comes: asked(`pong:${Buffer.of(0, 0xff, 0xfe).toString('latin1')}`),
  },
  {
    id: '2.4',
    what: 'a ping of 125 bytes',
    sent: [{ opcode: ping, payload: 'p'.repeat(125) }],
    comes: asked(`pong:${'p'.repeat(125)}`),
  },
  cut('2.5', 'a ping of 126 bytes', { opcode: ping, payload: 'p'.repeat(126) }),
  {
    id: '2.7',
    what: 'a pong that nobody asked for',
    sent: [{ opcode: pong, payload: 'x' }],
    comes: { frames: [], end: 'stays' },
  },
  {
    id: '2.10',
    what: 'ten pings: ten pongs, in order',
    sent: Array.from({ length: 10 }, (_, index) => ({ opcode: ping, payload: `${index}` })),
    comes: { frames: Array.from({ length: 10 }, (_, index) => `pong:${index}`), end: 'stays' },
  },
  ...[1, 2, 3, 4, 5, 6, 7].map((reserved) =>
    cut(`3.${reserved}`, `reserved bits ${reserved}`, { opcode: text, payload: ASK, reserved }),
  ),
  cut('3.x', 'reserved bits in a ping', { opcode: ping, reserved: 4 }),
  ...[3, 4, 5, 6, 7].map((opcode) => cut(`4.1.${opcode - 2}`, `opcode ${opcode}`, { opcode })),
  ...[11, 12, 13, 14, 15].map((opcode) =>
    cut(`4.2.${opcode - 10}`, `opcode ${opcode}`, { opcode, payload: 'x' }),
  ),
];

export const FRAGMENTS: readonly Case[] = [
  cut('5.1', 'a ping in two fragments', { opcode: ping, isLast: false }, { opcode: continuation }),
  cut('5.2', 'a pong in two fragments', { opcode: pong, isLast: false }, { opcode: continuation }),
  {
    id: '5.3',
    what: 'a text in two fragments',
    sent: [
      { opcode: text, payload: '{"type":', isLast: false },
      { opcode: continuation, payload: '"ping"}' },
    ],
    comes: asked(ANSWER),
  },
  {
    id: '5.6',
    what: 'a ping between two fragments is answered before the text',
    sent: [
      { opcode: text, payload: '{"type":', isLast: false },
      { opcode: ping, payload: 'now' },
      { opcode: continuation, payload: '"ping"}' },
    ],
    comes: { frames: ['pong:now', ANSWER], end: 'stays' },
  },
  cut('5.9', 'a continuation of nothing', { opcode: continuation, payload: 'x' }),
  cut('5.11', 'an open one', { opcode: continuation, payload: 'x', isLast: false }),
  cut(
    '5.18',
    'a second text before the first has ended',
    { opcode: text, payload: '{', isLast: false },
    { opcode: text, payload: ASK },
  ),
  {
    id: '5.19',
    what: 'many fragments with pings among them',
    sent: [...ASK].flatMap((payload, index) => [
      { opcode: index === 0 ? text : continuation, payload, isLast: index === ASK.length - 1 },
      ...(index % 5 === 4 ? [{ opcode: pong }] : []),
    ]),
    comes: asked(ANSWER),
  },
  {
    id: '6.1.2',
    what: 'a text of empty fragments',
    sent: [
      { opcode: text, isLast: false },
      { opcode: continuation, isLast: false },
      { opcode: continuation },
    ],
    comes: asked(NOT_JSON),
  },
];

const utf8 = (id: string, what: string, ...bytes: number[]) =>
  cut(id, `UTF-8: ${what}`, { opcode: text, payload: Buffer.of(0x22, ...bytes, 0x22) });

export const UTF8: readonly Case[] = [
  {
    id: '6.2.3',
    what: 'a character in two fragments',
    sent: [
      { opcode: text, payload: SNOWMAN.subarray(0, INSIDE_SNOWMAN), isLast: false },
      { opcode: continuation, payload: SNOWMAN.subarray(INSIDE_SNOWMAN) },
    ],
    comes: asked(ANSWER),
  },
  cut(
    '6.4.1',
    'half of a character in each fragment, and no more of it',
    { opcode: text, payload: Buffer.of(0x22, 0xce), isLast: false },
    { opcode: continuation, payload: Buffer.of(0x22) },
  ),
  utf8('6.6.2', 'a character that does not end', 0xe1, 0xbd),
  utf8('6.10.1', 'a byte that begins nothing', 0x80),
  utf8('6.11.1', 'beyond the last character', 0xf4, 0x90, 0x80, 0x80),
  utf8('6.12.1', 'five bytes', 0xf8, 0x88, 0x80, 0x80, 0x80),
  utf8('6.14.1', 'a continuation alone', 0xbf),
  utf8('6.15.1', 'never allowed', 0xfe),
  utf8('6.18.1', 'a slash, overlong', 0xc0, 0xaf),
  utf8('6.19.1', 'NUL, overlong', 0xc0, 0x80),
  utf8('6.20.1', 'a lone surrogate', 0xed, 0xa0, 0x80),
  utf8('6.21.1', 'two surrogates', 0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80),
];

function codeBytes(code: number): Buffer {
  return Buffer.of(code >> 8, code & 0xff);
}

const closing = (code: number, reason: string | Uint8Array = ''): FrameFields => ({
  opcode: close,
  payload: Buffer.concat([codeBytes(code), Buffer.from(reason)]),
});

/** Of the codes that are set, and of an application's own. */
const ECHOED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4999];
const REFUSED = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const refusedClose = (id: string, what: string, sent: FrameFields): Case => ({
  id,
  what,
  sent: [sent],
  comes: { end: { close: null } },
  differs: EMPTY_CLOSE,
});

export const CLOSES: readonly Case[] = [
  {
    id: '7.1.1',
    what: 'what follows a close is not read',
    sent: [closing(1000), { opcode: text, payload: ASK }, { opcode: ping, payload: 'x' }],
    comes: { end: { close: 1000 } },
  },
  {
    id: '7.1.6',
    what: 'a close in the middle of a text',
    sent: [{ opcode: text, payload: '{', isLast: false }, closing(1001)],
    comes: { end: { close: 1001 } },
  },
  {
    id: '7.3.1',
    what: 'a close without a payload',
    sent: [{ opcode: close }],
    comes: { end: { close: null } },
  },
  refusedClose('7.3.2', 'a payload of one byte', { opcode: close, payload: Buffer.of(3) }),
  {
    id: '7.3.4',
    what: 'a code and a reason',
    sent: [closing(1000, 'bye')],
    comes: { end: { close: 1000, reason: 'bye' } },
  },
  {
    id: '7.3.5',
    what: 'the longest reason, 123 bytes',
    sent: [closing(1000, 'r'.repeat(123))],
    comes: { end: { close: 1000, reason: 'r'.repeat(123) } },
  },
  cut('7.3.6', 'a reason of 124 bytes', closing(1000, 'r'.repeat(124))),
  refusedClose('7.5.1', 'a reason that is no UTF-8', closing(1000, Buffer.of(0xce, 0x22))),
  ...ECHOED.map((code, index) => ({
    id: `7.7.${index + 1}`,
    what: `code ${code}`,
    sent: [closing(code)],
    comes: { end: { close: code } },
  })),
  ...[3000, 3999].map((code, index) => ({
    id: `7.7.${index + ECHOED.length + 1}`,
    what: `code ${code}`,
    sent: [closing(code)],
    comes: { end: { close: null } },
    differs: 'codes of the registry of libraries are answered without a code; the close is clean',
  })),
  ...REFUSED.map((code, index) => refusedClose(`7.9.${index + 1}`, `code ${code}`, closing(code))),
];
