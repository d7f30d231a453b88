/** What a cookie may say: browsers send it along whatever page has caused the request. */

import type { Visitor } from '../../core/ports/authorizer.js';
import { isSameHost, type Origins } from './origins.js';

/** What a request shows of where it comes from; '' where a header is absent. */
export interface Cookied {
  readonly origin: string;
  readonly host: string;
  readonly cookie: string;
  /** `Sec-Fetch-Site`, which no page can set. */
  readonly fetchSite: string;
  /** A WebSocket: browsers always show the Origin of those. */
  readonly isUpgrade: boolean;
}

interface CookieOptions {
  readonly origins: Origins;
  readonly tokenCookie: string | null;
}

/**
 * Whether no page but an allowed one can have caused this request. A page shows its Origin with all but
 * plain GETs: those of its own origin, and those of `<script>` on any other one. The two are told apart by
 * `Sec-Fetch-Site` alone; browsers too old for it get no further by their cookies than without them.
 */
export function isCookieTrusted(request: Cookied, origins: Origins): boolean {
  if (request.origin === '') {
    return request.isUpgrade || request.fetchSite === 'same-origin';
  }
  // Whether an origin is listed was looked at before; `*` lists none.
  return origins !== '*' || isSameHost(request);
}

/** The token in its cookie, or null. */
export function cookieToken(request: Cookied, options: CookieOptions): string | null {
  const { tokenCookie, origins } = options;
  if (tokenCookie === null || request.cookie === '') return null;
  return isCookieTrusted(request, origins) ? cookieNamed(tokenCookie, request.cookie) : null;
}

/** What a backend is told about whoever looks at the page. */
export function visitorOf(request: Cookied, origins: Origins): Visitor {
  const { origin } = request;
  return { origin, cookie: isCookieTrusted(request, origins) ? request.cookie : '' };
}

/** The first of the name: browsers send the one with the most specific path first. */
function cookieNamed(name: string, header: string): string | null {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    const plain = /^"(.*)"$/.exec(value)?.[1] ?? value;
    return plain === '' ? null : plain;
  }
  return null;
}
