/** Requests that HTTP/1.1 forbids or leaves unclear, and what each server makes of them. */

/** Where the requests go. The target answers at once, so that what follows it is answered as well. */
export interface Target {
  readonly path: string;
  /** With their line ends. */
  readonly headers: string;
}

export interface HttpCase {
  readonly what: string;
  /** Sent in one go. */
  readonly bytes: string | Buffer;
  /** Statuses that come back, in order. A request behind one that is cut has none. */
  readonly statuses: readonly number[];
  /**
   * What becomes of the connection: it `goes on`, is `closed`, or is `held`: nothing is answered, and the
   * limit of time for a head ends it.
   */
  readonly after: 'goes on' | 'closed' | 'held';
}

/** Ten bytes that no call takes: 400. */
const BODY = 'not JSON..';
const BY_PROXY = 'X-Forwarded-For: 192.0.2.1\r\n';
const MANY_HEADERS = 300;
const HUGE = 40_000;

const get = (path: string, headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: halley\r\n${headers}\r\n`;
/** Would be answered, by 200, if it were taken for a request. */
const NEXT = get('/healthz');

export function framingCases({ path, headers }: Target): HttpCase[] {
  const post = (length: string, body = BODY) =>
    `POST ${path} HTTP/1.1\r\nHost: halley\r\n${headers}${length}\r\n${body}${NEXT}`;
  const chunked = (head: string, chunks = `a\r\n${BODY}\r\n0\r\n\r\n`) => post(head, chunks);
  const TE = 'Transfer-Encoding: chunked\r\n';
  const CL = 'Content-Length: 10\r\n';
  const refused = (what: string, bytes: string): HttpCase => ({
    what,
    bytes,
    statuses: [400],
    after: 'closed',
  });
  /** The next request is there before the refusal of the first was sent. */
  const cut = (what: string, bytes: string): HttpCase => ({
    what,
    bytes,
    statuses: [],
    after: 'closed',
  });
  const taken = (what: string, bytes: string): HttpCase => ({
    what,
    bytes,
    statuses: [400, 200],
    after: 'goes on',
  });
  return [
    taken('a length', post(CL)),
    taken('chunks', chunked(TE)),
    refused('a length and chunks', chunked(CL + TE)),
    refused('chunks and a length', chunked(TE + CL)),
    refused('a length and chunks, the end of the chunks first', post(CL + TE, '0\r\n\r\n')),
    cut('two lengths by a proxy', post(`${BY_PROXY}${CL}Content-Length: 5\r\n`)),
    cut(
      'two lengths by a proxy, the short one first',
      post(`${BY_PROXY}Content-Length: 5\r\n${CL}`),
    ),
    cut('the same length twice, by a proxy', post(BY_PROXY + CL + CL)),
    taken('two lengths of a client itself: the first counts', post(`${CL}Content-Length: 5\r\n`)),
    cut('two kinds of encoding', chunked(`Transfer-Encoding: identity\r\n${TE}`)),
    cut('the other way round, by a proxy', chunked(`${BY_PROXY}${TE}Transfer-Encoding: x\r\n`)),
    refused('an encoding that is none', post('Transfer-Encoding: identity\r\n')),
    refused('an encoding beside a length', post(`Transfer-Encoding: identity\r\n${CL}`)),
    cut('chunks in another encoding', chunked('Transfer-Encoding: gzip, chunked\r\n')),
    cut('chunks that are not the last', chunked('Transfer-Encoding: chunked, gzip\r\n')),
    refused('an encoding by another name', post(`Transfer-Encoding: xchunked\r\n${CL}`)),
    taken('chunks in capitals', chunked('Transfer-Encoding: CHUNKED\r\n')),
    taken('a tab before the encoding', chunked('Transfer-Encoding:\tchunked\r\n')),
    refused('a length with a sign', post('Content-Length: +10\r\n')),
    refused('a length below 0', post('Content-Length: -10\r\n')),
    refused('a length in hexadecimal', post('Content-Length: 0xa\r\n')),
    refused('a list of lengths', post('Content-Length: 10, 10\r\n')),
    refused('a length with a tail', post('Content-Length: 10x\r\n')),
    refused('a length beyond 64 bits', post('Content-Length: 18446744073709551626\r\n')),
    refused('a size that is none', chunked(TE, `zz\r\n${BODY}\r\n0\r\n\r\n`)),
    refused('a size below 0', chunked(TE, `-a\r\n${BODY}\r\n0\r\n\r\n`)),
    refused('a size with 0x', chunked(TE, `0xa\r\n${BODY}\r\n0\r\n\r\n`)),
    refused('a size beyond 64 bits', chunked(TE, `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`)),
    refused('a size that is too small', chunked(TE, `5\r\n${BODY}\r\n0\r\n\r\n`)),
    refused('an extension of a chunk', chunked(TE, `a;x=y\r\n${BODY}\r\n0\r\n\r\n`)),
    cut('a compressed body', post(`Content-Encoding: gzip\r\n${CL}`)),
  ];
}

const isClosed =
  (status: number) =>
  (what: string, bytes: string | Buffer): HttpCase => ({
    what,
    bytes,
    statuses: [status],
    after: 'closed',
  });
const is505 = isClosed(505);
const goesOn = (what: string, bytes: string, ...statuses: number[]): HttpCase => ({
  what,
  bytes,
  statuses,
  after: 'goes on',
});
const held = (what: string, bytes: string): HttpCase => ({
  what,
  bytes,
  statuses: [],
  after: 'held',
});

/** uWebSockets.js says 505 to every first line that it does not take. */
export const LINE_CASES: readonly HttpCase[] = [
  is505('HTTP/1.0', 'GET /healthz HTTP/1.0\r\nHost: halley\r\n\r\n'),
  is505('HTTP/0.9', 'GET /healthz\r\n'),
  is505('HTTP/2.0 by name', 'GET /healthz HTTP/2.0\r\nHost: halley\r\n\r\n'),
  is505('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  is505('an absolute target', get('http://halley/healthz')),
  is505('CONNECT', 'CONNECT halley:443 HTTP/1.1\r\nHost: halley\r\n\r\n'),
  is505('a target of an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: halley\r\n\r\n'),
  is505('a blank in the target', get('/hea lthz')),
  is505('NUL in the target', get('/healthz\0')),
  is505('bare LF as line ends', 'GET /healthz HTTP/1.1\nHost: halley\n\n'),
  is505('PROXY v1 from anybody', `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${NEXT}`),
  is505('a ClientHello', Buffer.from('16030100f1010000ed0303', 'hex')),
  is505('an empty line first', `\r\n${NEXT}`),
  is505('a target without end', `GET /${'x'.repeat(HUGE)}`),
];

export const HEAD_CASES: readonly HttpCase[] = [
  goesOn('three requests at once', NEXT.repeat(3), 200, 200, 200),
  goesOn('a GET with a body', `${get('/healthz', 'Content-Length: 4\r\n')}abcd${NEXT}`, 200, 200),
  goesOn(
    'a GET with chunks',
    `${get('/healthz', 'Transfer-Encoding: chunked\r\n')}1\r\na\r\n0\r\n\r\n${NEXT}`,
    200,
    200,
  ),
  isClosed(431)('a head without end', `GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(HUGE)}`),
  held('a folded header', get('/healthz', 'X: 1\r\n Transfer-Encoding: chunked\r\n')),
  held('bare LF after a header', 'GET /healthz HTTP/1.1\r\nHost: halley\nX: y\r\n\r\n'),
  held('bare CR in a header', get('/healthz', 'X: a\rY: b\r\n')),
  held('NUL in a header', get('/healthz', 'X: a\0b\r\n')),
  held('a blank in a name', get('/healthz', 'X Y: z\r\n')),
  held('a blank after a name', get('/healthz', 'Content-Length : 5\r\n')),
  held('a header without a colon', get('/healthz', 'XY\r\n')),
  held('no header', 'GET /healthz HTTP/1.1\r\n\r\n'),
  held('too many headers', get('/healthz', 'X: y\r\n'.repeat(MANY_HEADERS))),
];
