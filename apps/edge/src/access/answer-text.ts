import { TOKEN_INFO_MAX_BYTES } from '@halley/shared/auth';
import type { Answer } from './answers.js';

/** How long an answer holds that does not say it. */
export const ANSWER_DEFAULT_SECONDS = 60;
export const ANSWER_MAX_SECONDS = 86_400;
/** A no is asked about again soon: rights are more often given than taken. */
export const DENIAL_SECONDS = 5;

const MS_PER_SECOND = 1_000;

/** Reads `{allow, seconds?, info?}` strictly. @returns what is wrong with it where it is no answer */
export function readAnswer(text: string, nowMs: number): Answer | string {
  const parsed = parse(text);
  if (parsed === null) return 'the answer is no JSON object';
  const { allow, seconds = ANSWER_DEFAULT_SECONDS, info = null } = parsed;
  if (typeof allow !== 'boolean') return 'allow of the answer is not true or false';
  if (!allow) return denial(nowMs);
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 1) {
    return 'seconds of the answer is not a whole number from 1';
  }
  const infoText = info === null ? null : JSON.stringify(info);
  if (infoText !== null && Buffer.byteLength(infoText) > TOKEN_INFO_MAX_BYTES) {
    return `info of the answer has more than ${TOKEN_INFO_MAX_BYTES} bytes`;
  }
  const untilMs = nowMs + Math.min(seconds, ANSWER_MAX_SECONDS) * MS_PER_SECOND;
  return { allow, untilMs, info: infoText };
}

export function denial(nowMs: number): Answer {
  return { allow: false, untilMs: nowMs + DENIAL_SECONDS * MS_PER_SECOND, info: null };
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
