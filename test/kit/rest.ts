/** A client of the REST API that keeps every exchange, so that a test can hold it to the document. */

import { Agent, request } from 'undici';

export interface Exchange {
  readonly method: string;
  /** With the query, as it was asked for. */
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body where it is JSON, else undefined. */
  readonly body: unknown;
}

export interface RestOptions {
  /** API key; null sends none. Default `dev-key`. */
  readonly key?: string | null;
  readonly onExchange?: (exchange: Exchange) => void;
}

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`: wrong JSON, or JSON that must keep its spelling. */
  readonly text?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';
type Fields = Readonly<Record<string, unknown>>;

export class RestClient {
  readonly #url: string;
  readonly #options: RestOptions;
  readonly #agent = new Agent();

  constructor(url: string, options: RestOptions = {}) {
    this.#url = url;
    this.#options = options;
  }

  /** Resolves with any status; rejects only where there is no answer. */
  async call(method: Method, path: string, options: CallOptions = {}): Promise<Exchange> {
    const body = options.text ?? (options.body === undefined ? null : JSON.stringify(options.body));
    const answer = await request(this.#url + path, {
      method,
      body,
      headers: this.#headers(body !== null, options.headers),
      dispatcher: this.#agent,
    });
    const text = await answer.body.text();
    const { statusCode: status, headers } = answer;
    const exchange = { method, path, status, headers, text, body: jsonOf(headers, text) };
    this.#options.onExchange?.(exchange);
    return exchange;
  }

  get(path: string): Promise<Exchange> {
    return this.call('GET', path);
  }

  post(path: string, body: unknown): Promise<Exchange> {
    return this.call('POST', path, { body });
  }

  delete(path: string, body?: unknown): Promise<Exchange> {
    return this.call('DELETE', path, body === undefined ? {} : { body });
  }

  /** POST /channels/:name/messages */
  publish(channel: string, data: unknown, fields: Fields = {}): Promise<Exchange> {
    const path = `/channels/${encodeURIComponent(channel)}/messages`;
    return this.post(path, { data, ...fields });
  }

  /** POST /clients/:id/messages */
  publishPrivate(clientId: string, data: unknown, fields: Fields = {}): Promise<Exchange> {
    const path = `/clients/${encodeURIComponent(clientId)}/messages`;
    return this.post(path, { data, ...fields });
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  #headers(hasBody: boolean, extra: Record<string, string> = {}): Record<string, string> {
    const { key = 'dev-key' } = this.#options;
    return {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...extra,
    };
  }
}

/** The field of a JSON object answer, checked to be a string: `field(answer, 'id')`. */
export function field(exchange: Exchange, name: string): string {
  const { body } = exchange;
  const value = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value === 'string') return value;
  throw new Error(`${exchange.method} ${exchange.path}: no ${name} in ${exchange.text}`);
}

function jsonOf(headers: Exchange['headers'], text: string): unknown {
  const type = String(headers['content-type'] ?? '');
  return /^application\/(?:[\w.-]+\+)?json\b/.test(type) ? JSON.parse(text) : undefined;
}
