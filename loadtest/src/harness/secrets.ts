/** Of servers that live as long as a measurement, on loopback. */

/** The key of all that is posted; the bare programs read none and get the same bytes. */
export const BEARER = 'bench-key';
export const TOKEN_SECRET = 'a secret of the bench, which signs for no one else';
