import type { ErrorFrame } from '@halley/shared/protocol';
import { HalleyError } from './errors.js';

/** What an edge refused. */
export function errorOf(frame: ErrorFrame): HalleyError {
  const { code, message, retryAfterMs, field, channel } = frame;
  return new HalleyError(code, { retryAfterMs, field, channel }, message);
}

/** The same may succeed a moment later. */
export function isPassing({ code }: ErrorFrame): boolean {
  return /unavailable|outcome-unknown|draining|internal/.test(code);
}
