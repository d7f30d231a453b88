/**
 * A position is `<ms>-<seq>.<nonce>`: the Redis stream id of a message and the 4 base-36 characters
 * drawn for it. `0-<unix ms>` stands for "nothing had been published at that time".
 * Ids alone do not name a message: after a failover two masters may have given the same one.
 */
export type Position = string;

const POSITION_PATTERN =
  /^(?:0-(?:0|[1-9]\d{0,14})|[1-9]\d{0,14}-(?:0|[1-9]\d{0,14})\.[0-9a-z]{4})$/;

/** Before everything that was ever published. */
export const ORIGIN: Position = '0-0';

export function isPosition(value: unknown): value is Position {
  return typeof value === 'string' && value.length <= 36 && POSITION_PATTERN.test(value);
}

/** True for `0-<ms>`: the position of somebody who has seen no message. */
export function isEmptyPosition(position: Position): boolean {
  return position.startsWith('0-');
}

/** The stream id without the nonce, as Redis knows it. */
export function streamId(position: Position): string {
  const dot = position.indexOf('.');
  return dot === -1 ? position : position.slice(0, dot);
}

/** The time part, unix ms (for an empty position: the time at which there was nothing). */
export function timeOf(position: Position): number {
  const dash = position.indexOf('-');
  const ms = Number(position.slice(0, dash));
  return ms === 0 ? Number(position.slice(dash + 1)) : ms;
}

/**
 * Order of the stream ids of two positions: negative, 0 or positive. Equal ids with other nonces
 * compare as 0: they are different messages with no order between them.
 */
export function comparePositions(a: Position, b: Position): number {
  const dashA = a.indexOf('-');
  const dashB = b.indexOf('-');
  const ms = Number(a.slice(0, dashA)) - Number(b.slice(0, dashB));
  return ms !== 0 ? ms : sequenceAt(a, dashA) - sequenceAt(b, dashB);
}

/** An empty position lies below every message, whatever its time says. */
function sequenceAt(position: Position, dash: number): number {
  const dot = position.indexOf('.', dash);
  return dot === -1 ? -1 : Number(position.slice(dash + 1, dot));
}
