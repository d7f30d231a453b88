import { type ClientFrame, CODES, type RefusedFrame } from '@halley/shared/protocol';
import { Random } from '../kit/random.js';
import { makeInput } from './decode-inputs.js';
import { judge, type Verdict } from './decode-model.js';

export type Decode = (text: string) => (ClientFrame | RefusedFrame)[];

export interface Finding {
  readonly index: number;
  readonly text: string;
  readonly why: string;
}

export interface Report {
  readonly tried: number;
  /** Inputs that were valid by construction. */
  readonly valid: number;
  /** Frames of all inputs that were taken. */
  readonly taken: number;
  readonly refusedByCode: ReadonlyMap<string, number>;
  /** Refusals in which exactly one thing was wrong, so that code and field are known. */
  readonly exact: number;
  readonly finding: Finding | null;
}

/** Compares a decoder with the model until they differ. Input n depends on the seed and n alone. */
export function fuzz(decode: Decode, seed: number, count: number): Report {
  const { stackTraceLimit } = Error;
  // Half of the inputs end in an error that nobody looks at: its stack would cost most of the time.
  Error.stackTraceLimit = 0;
  try {
    return compareAll(decode, seed, count);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function compareAll(decode: Decode, seed: number, count: number): Report {
  const refusedByCode = new Map<string, number>();
  let valid = 0;
  let taken = 0;
  let exact = 0;
  for (let index = 0; index < count; index += 1) {
    const { text, data } = makeInput(Random.ofCase(seed, index));
    const verdicts = judge(text);
    const why = difference(decode, text, verdicts, data);
    if (why !== null) {
      return {
        tried: index + 1,
        valid,
        taken,
        refusedByCode,
        exact,
        finding: { index, text, why },
      };
    }
    if (data !== null) valid += 1;
    for (const verdict of verdicts) {
      if (verdict.isTaken) taken += 1;
      else if (verdict.problems.length === 1) exact += 1;
      const [first] = verdict.isTaken ? [] : verdict.problems;
      if (first) refusedByCode.set(first.code, (refusedByCode.get(first.code) ?? 0) + 1);
    }
  }
  return { tried: count, valid, taken, refusedByCode, exact, finding: null };
}

function difference(
  decode: Decode,
  text: string,
  verdicts: readonly Verdict[],
  data: readonly (string | null)[] | null,
): string | null {
  let frames: readonly (ClientFrame | RefusedFrame)[];
  try {
    frames = decode(text);
  } catch (error) {
    return `it throws: ${String(error)}`;
  }
  if (frames.length !== verdicts.length) return `${frames.length} answers, not ${verdicts.length}`;
  for (const [index, verdict] of verdicts.entries()) {
    const frame = frames[index];
    if (frame === undefined) return 'an answer is missing';
    const isValid = data !== null;
    if (isValid && !verdict.isTaken) return 'the model refuses what is valid by construction';
    const posted = data?.[index] ?? null;
    const why = verdict.isTaken
      ? frameDifference(frame, verdict.frame, posted)
      : refusalDifference(frame, verdict);
    if (why !== null) return why;
  }
  return null;
}

function frameDifference(
  frame: ClientFrame | RefusedFrame,
  expected: Readonly<Record<string, unknown>>,
  posted: string | null,
): string | null {
  if (frame.type === 'refused') return `refused as ${frame.code} (${frame.field ?? ''})`;
  const names = Object.keys(frame);
  if (names.length !== Object.keys(expected).length) return `has the fields ${names.join(' ')}`;
  for (const name of names) {
    const value: unknown = Reflect.get(frame, name);
    if (name === 'data') {
      const why = dataDifference(value, expected[name], posted);
      if (why !== null) return why;
    } else if (!Object.hasOwn(expected, name) || value !== expected[name]) {
      return `${name} is ${String(value)}`;
    }
  }
  return null;
}

function dataDifference(raw: unknown, parsed: unknown, posted: string | null): string | null {
  if (typeof raw !== 'string') return 'data is no text';
  if (posted !== null) return raw === posted ? null : `data is ${raw}, posted was ${posted}`;
  return JSON.stringify(JSON.parse(raw)) === JSON.stringify(parsed) ? null : `data is ${raw}`;
}

function refusalDifference(
  frame: ClientFrame | RefusedFrame,
  { problems, echoed }: Extract<Verdict, { isTaken: false }>,
): string | null {
  if (frame.type !== 'refused') return 'taken';
  if (!Object.hasOwn(CODES, frame.code)) return `refused by ${frame.code}, which no table knows`;
  if (frame.message === '') return 'refused without a text';
  const isKnown = problems.some(({ code, field }) => code === frame.code && field === frame.field);
  if (!isKnown) return `refused as ${frame.code} (${frame.field ?? ''})`;
  if (frame.ref !== echoed['ref']) return `echoes the ref ${String(frame.ref)}`;
  return frame.channel === echoed['channel'] ? null : `echoes the channel ${String(frame.channel)}`;
}
