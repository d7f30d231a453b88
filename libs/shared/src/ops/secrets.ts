/** What must never be read in a log, and how it is hidden. */

export const HIDDEN = '***';

/** Names of fields whose value is a secret wherever they stand. */
export const SECRET_FIELDS: readonly string[] = [
  'authorization',
  'Authorization',
  'cookie',
  'Cookie',
  'password',
  'secret',
  'token',
];

const CREDENTIALS = /(?<=:\/\/)[^/\s"'<>]*@/g;
const BEARER = /(?<=\bBearer[ .]|\bbearer[ .])[\w.~+/=-]+/g;
const SECRET_PARAMETER = /(?<=[?&](?:access_token|token|secret|password|key)=)[^&\s"'#]+/g;
/** Addresses in a list; a comma inside a password is not followed by a scheme. */
const BETWEEN_ADDRESSES = /,(?=\s*[a-z+]+:\/\/)/;

/** Hides credentials of URLs, bearer tokens and secret query parameters in any text. */
export function scrub(text: string): string {
  return text
    .replace(CREDENTIALS, `${HIDDEN}@`)
    .replace(BEARER, HIDDEN)
    .replace(SECRET_PARAMETER, HIDDEN);
}

/**
 * An address, or a comma list of them, fit to be shown: host, port and path stay. Works on text that
 * is no valid URL too, since that is when an address gets printed; then it hides too much rather
 * than too little.
 */
export function urlWithoutSecrets(url: string): string {
  const hidden = url
    .split(BETWEEN_ADDRESSES)
    .map((address) => address.replace(/(?<=:\/\/).*@/s, `${HIDDEN}@`));
  return scrub(hidden.join(','));
}
