import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Headers, HttpReply, HttpRequest } from '../../core/ports/http.js';

const GZIP_LEVEL = 9;
const HASH_CHARS = 27;

/** One form of the bytes: each has a tag of its own, since a strong tag stands for exact bytes. */
interface Variant {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly headers: Headers;
}

/** A file as it is served: hashed and compressed once. */
export class Asset {
  readonly #plain: Variant;
  readonly #gzip: Variant;

  /** @param headers beside those that every asset has */
  constructor(bytes: Uint8Array, type: string, headers: Headers) {
    const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, HASH_CHARS);
    const common: Headers = [
      ['Content-Type', type],
      ['X-Content-Type-Options', 'nosniff'],
      ['Vary', 'Accept-Encoding'],
      ...headers,
    ];
    this.#plain = variantOf(bytes, `"${hash}"`, common);
    this.#gzip = variantOf(gzipSync(bytes, { level: GZIP_LEVEL }), `"${hash}-gzip"`, [
      ...common,
      ['Content-Encoding', 'gzip'],
    ]);
  }

  /** Answers GET and HEAD. */
  serve(request: HttpRequest, reply: HttpReply): void {
    const { body, etag, headers } = takesGzip(request.acceptEncoding) ? this.#gzip : this.#plain;
    if (isMatch(request.ifNoneMatch, etag)) {
      reply.answerBare('304 Not Modified', headers);
    } else if (request.method === 'HEAD') {
      reply.answerBare('200 OK', [...headers, ['Content-Length', String(body.byteLength)]]);
    } else {
      reply.answer('200 OK', headers, body);
    }
  }
}

function variantOf(body: Uint8Array, etag: string, headers: Headers): Variant {
  return { body, etag, headers: [...headers, ['ETag', etag]] };
}

/** By RFC 9110, 12.5.3: the word for gzip counts before that for anything else. */
function takesGzip(acceptEncoding: string): boolean {
  const qualities = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim());
    const quality = parameters.find((text) => text.startsWith('q='))?.slice(2);
    qualities.set(coding, quality === undefined ? 1 : Number(quality));
  }
  return (qualities.get('gzip') ?? qualities.get('*') ?? 0) > 0;
}

/** Weakly, as RFC 9110, 13.1.2 has it: a proxy may have weakened the tag on its way. */
function isMatch(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === '') return false;
  return ifNoneMatch.split(',').some((part) => {
    const tag = part.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}
