/** Which pages may connect. */

/** `'*'`: any origin; `'same-host'`: that of the request's own host. */
export type Origins = '*' | 'same-host' | readonly string[];

interface Requested {
  readonly origin: string;
  readonly host: string;
}

/** No Origin passes: only browsers send one, and only they can be made to connect against their will. */
export function isOriginAllowed({ origin, host }: Requested, origins: Origins): boolean {
  if (origin === '' || origins === '*') return true;
  return origins === 'same-host' ? isSameHost({ origin, host }) : origins.includes(origin);
}

export function isSameHost({ origin, host }: Requested): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
