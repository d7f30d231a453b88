import { isCallbackName, isClientId, type Refusal, refusal } from '@halley/shared/protocol';
import type { HttpRequest } from '../../core/ports/http.js';
import { detached } from '../native-http/decode.js';

/** What a request asks for. */
export interface Asked {
  readonly clientId: string;
  /** Name of the JSONP callback; null: the message as it is. */
  readonly callback: string | null;
  readonly token: string | null;
}

/** The id is not decoded, ends at the first dot, and may hold anything else, even a `?`. */
const TARGET = /^\/([^.]*)\.js(.*)$/s;
/** What stands for bytes that are no UTF-8: of two such ids nobody could tell which is which. */
const REPLACEMENT = '\ufffd';

/** @returns null for what no client of MegaComet asks for */
export function decodeAsked({ path, query }: HttpRequest): Asked | Refusal | null {
  const match = TARGET.exec(query === '' ? path : `${path}?${query}`);
  if (match === null) return null;
  const [, clientId = '', rest = ''] = match;
  if (!isClientId(clientId) || clientId.includes(REPLACEMENT)) {
    return refusal('bad-client', 'the id must be 1-200 bytes of UTF-8 without control characters');
  }
  const params = new URLSearchParams(rest.startsWith('?') ? rest : '');
  const callback = params.get('callback');
  if (callback !== null && !isCallbackName(callback)) {
    return refusal('bad-callback', 'callback= must be names joined by dots', 'callback');
  }
  return { clientId: detached(clientId), callback, token: params.get('token') };
}
