import type { ErrorFrame } from '@halley/shared/protocol';
import { HalleyError } from './errors.js';

/** What an edge refused. */
export function errorOf(frame: ErrorFrame): HalleyError {
  const { code, message, retryAfterMs, field, channel } = frame;
  return new HalleyError(code, { retryAfterMs, field, channel }, message);
}

/**
 * The same may succeed a moment later: whatever is unavailable, outcome-unknown, draining, internal, overloaded,
 * edge-full, rate-limited. As few letters as tell them from all other codes.
 */
export function isPassing({ code }: ErrorFrame): boolean {
  return /unav|^(out|dr|int|ov|ed|ra)/.test(code);
}
