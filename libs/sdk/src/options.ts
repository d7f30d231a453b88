import { HalleyError } from './errors.js';
import { TIMINGS, type Timings } from './timings.js';
import { TRANSPORTS, type TransportName } from './types.js';

/** Gives the token for one channel, bound to it; null where the application refuses. */
export type Authorize = (channel: string, connectionId: string) => Promise<string | null>;

export interface HalleyOptions {
  /** Origins of the nodes, such as `https://edge-1.example.com`. Default: the page's own origin. */
  readonly nodes?: readonly string[];
  /** The first token, or the only one. */
  readonly token?: string;
  /** Asked where there is no token, before the expiry, and when the edge refuses the token. */
  readonly getToken?: () => string | Promise<string>;
  /** Name of the client where no token says it, if the edge trusts such names. */
  readonly client?: string;
  /** Where the token of a channel comes from: true is a POST to `/halley/auth`, a string one to that address. */
  readonly authorize?: true | string | Authorize;
  /** Those that may be used, in the order in which they are tried. Default: all. */
  readonly transports?: readonly TransportName[];
  /** All tabs of this identity use one connection. Default: true. */
  readonly share?: boolean;
  /** Positions survive a reload of the page. Default: false. */
  readonly persist?: boolean;
  /** A WebSocket class, where the platform has none (Node 20: that of `ws`). */
  readonly WebSocket?: unknown;
  /** Time limits other than the default ones. */
  readonly timings?: Partial<Timings>;
}

export interface Settings extends Omit<HalleyOptions, 'authorize'> {
  readonly nodes: readonly string[];
  readonly transports: readonly TransportName[];
  readonly authorizer: Authorize | undefined;
  readonly timings: Timings;
}

/** What cannot stand in a subprotocol is no token either. */
const TOKEN_PATTERN = /^[\w.~-]+$/;

/** @throws HalleyError `bad-option` */
export function readOptions(options: HalleyOptions): Settings {
  const { token, getToken, client, nodes, authorize, timings } = options;
  if (client !== undefined && (token ?? getToken) !== undefined) throw badOption('client');
  if (token !== undefined && !isToken(token)) throw badOption('token');
  return {
    transports: TRANSPORTS,
    share: true,
    ...options,
    nodes: originsOf(nodes),
    authorizer: authorizeOf(authorize),
    timings: { ...TIMINGS, ...timings },
  };
}

export function isToken(token: unknown): token is string {
  return typeof token === 'string' && TOKEN_PATTERN.test(token);
}

/** What each option may be stands at its declaration. */
export function badOption(field: string, cause?: unknown): HalleyError {
  return new HalleyError('bad-option', { field, cause }, `bad-option: ${field}`);
}

function originsOf(nodes: readonly string[] | undefined): string[] {
  const own = (globalThis as { location?: Location }).location?.origin;
  const origins = (nodes ?? [`${own}`]).map((node) => /^https?:\/\/[^/?#]+/.exec(node)?.[0]);
  if (origins.length > 0 && origins.every((origin) => origin !== undefined)) return origins;
  throw badOption('nodes');
}

const AUTHORIZE_PATH = '/halley/auth';

export function authorizeOf(
  authorize: true | string | Authorize | undefined,
): Authorize | undefined {
  if (authorize === undefined || typeof authorize === 'function') return authorize;
  return (channel, connectionId) =>
    postAuthorize(authorize === true ? AUTHORIZE_PATH : authorize, channel, connectionId);
}

/** With the page's cookies: the application's own site says who this is. */
async function postAuthorize(
  url: string,
  channel: string,
  connectionId: string,
): Promise<string | null> {
  const answer = await fetch(url, {
    method: 'POST',
    credentials: 'include',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channel, connectionId }),
  });
  if (answer.status >= 500) throw new Error(`${answer.status}`);
  // Any other refusal is the site's last word.
  return answer.ok ? (await answer.json()).token : null;
}
