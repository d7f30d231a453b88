/** The frames of the bare programs: as many bytes as Halley's for the same POST, and nothing decided. */

export const FIXED_NONCE = 'abcd';
/** As long as a position of today with one message in its millisecond. */
const FIXED_POSITION = `1763695000000-0.${FIXED_NONCE}`;

/** `{"data":…}` as posted becomes `{"type":"message","channel":…,"id":…,"data":…}`. */
export function frameOf(channel: string, body: string): string {
  return `{"type":"message","channel":"${channel}","id":"${FIXED_POSITION}",${body.slice(1)}`;
}

/** The same for one client: what is private names no channel. */
export function privateFrameOf(body: string): string {
  return `{"type":"private","id":"${FIXED_POSITION}",${body.slice(1)}`;
}
