/** A backend of iComet at the api, byte by byte. */

import { getText, type RawAnswer, RawHttp } from './raw-http.js';

export interface AskOptions {
  readonly method?: string;
  /** Lines such as `X-Real-IP: 10.0.0.1`. */
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array;
  /** Of the loopback network: where the request comes from. */
  readonly from?: string;
}

/** One request on a connection of its own. A connection that is to be closed has been when this resolves. */
export async function ask(
  port: number,
  target: string,
  { method = 'GET', headers = [], body, from }: AskOptions = {},
): Promise<RawAnswer> {
  const raw = await RawHttp.open(port, from);
  try {
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    raw.send(getText(target, [...headers, ...length]).replace('GET', method));
    if (body !== undefined) raw.send(body);
    const answer = await raw.answer();
    if (answer.headers.get('connection') === 'close') await raw.closed;
    return answer;
  } finally {
    raw.close();
  }
}

/** A reader of /psub, once it is heard. */
export async function readPresence(port: number, path = '/psub'): Promise<RawHttp> {
  const raw = await RawHttp.open(port);
  raw.send(getText(path));
  await raw.bodyWith('\n');
  return raw;
}
