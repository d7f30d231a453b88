import { type LookupAddress, lookup } from 'node:dns';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isReachable } from '@halley/shared/ops';

/** An answer is a few fields; more is no answer. */
export const BACKEND_ANSWER_MAX_BYTES = 16_384;
/** Idle sockets are closed before the time-outs of common servers cut them. */
const IDLE_MS = 4_000;

export interface BackendReply {
  readonly status: number;
  readonly isJson: boolean;
  readonly text: string;
}

/** A kept connection that the other side was closing already. To ask twice does no harm. */
class StaleSocket extends Error {}

/**
 * Calls that go where the operator said and nowhere else: no redirect is followed, and the address that
 * a name resolves to is looked at when the socket is made, so a name that changes its mind wins nothing.
 */
export class BackendCalls {
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;

  constructor(maxSockets: number) {
    const options = { keepAlive: true, maxSockets, timeout: IDLE_MS, lookup: guardedLookup };
    this.#plain = new http.Agent(options);
    this.#secure = new https.Agent(options);
  }

  /** @throws Error that says why there is no answer, without anything of what was asked */
  async post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<BackendReply> {
    try {
      return await this.#send(url, headers, body, signal);
    } catch (error) {
      if (!(error instanceof StaleSocket)) throw error;
      return this.#send(url, headers, body, signal);
    }
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<BackendReply> {
    // An address is not looked up.
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    const refused = isIP(literal) === 0 ? null : refusedOf([{ address: literal }]);
    if (refused !== null) return Promise.reject(new Error(refused));
    const isSecure = url.protocol === 'https:';
    const send = isSecure ? https.request : http.request;
    const agent = isSecure ? this.#secure : this.#plain;
    return new Promise((resolve, reject) => {
      const request = send(url, { method: 'POST', headers, agent, signal }, (response) => {
        read(response).then(resolve, reject);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && error.code === 'ECONNRESET';
        reject(isStale ? new StaleSocket('the connection was cut') : error);
      });
      request.end(body);
    });
  }
}

async function read(response: http.IncomingMessage): Promise<BackendReply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the socket.
    if (bytes > BACKEND_ANSWER_MAX_BYTES) {
      throw new Error(`the answer has more than ${BACKEND_ANSWER_MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    isJson: /^application\/(?:[\w.-]+\+)?json\b/i.test(response.headers['content-type'] ?? ''),
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

/** Refuses a name as soon as one of its addresses is no backend's. */
const guardedLookup: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, '');
    const refused = refusedOf(addresses);
    if (refused !== null) return done(new Error(refused), '');
    if (options.all === true) return done(null, addresses);
    const [first] = addresses;
    done(null, first?.address ?? '', first?.family);
  });
};

/** Why nothing may be sent to whoever has these addresses, or null. */
export function refusedOf(addresses: readonly Pick<LookupAddress, 'address'>[]): string | null {
  if (addresses.length === 0) return 'the name has no address';
  const refused = addresses.find(({ address }) => !isReachable(address));
  return refused === undefined ? null : `no call may go to ${refused.address}`;
}
