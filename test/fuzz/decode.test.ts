import {
  type ClientFrame,
  decodeClientText,
  type RefusedFrame,
  refusal,
} from '@halley/shared/protocol';
import { describe, expect, it } from 'vitest';
import { numberFrom, seedFrom } from '../kit/random.js';
import { type Decode, fuzz } from './decode-fuzz.js';

const SEED = seedFrom('FUZZ_SEED', 20_261_121);
const INPUTS = numberFrom('FUZZ_INPUTS', 100_000);
const DEADLINE_MS = 150_000;
/** Inputs within which a planted defect must show. */
const PLANTED_INPUTS = 50_000;

type Frame = ClientFrame | RefusedFrame;

/** The decoder with one defect put into it. */
function planted(defect: (frame: Frame, text: string) => Frame): Decode {
  return (text) => decodeClientText(text).map((frame) => defect(frame, text));
}

const refuse = (field: string): RefusedFrame => ({
  type: 'refused',
  ...refusal('bad-field', 'planted', field),
});

const DEFECTS: readonly [what: string, defect: (frame: Frame, text: string) => Frame][] = [
  [
    'a largest limit that is one too small',
    (frame) => (frame.type === 'history' && frame.limit === 1_000 ? refuse('limit') : frame),
  ],
  [
    'a largest ref that is one too short',
    (frame) =>
      'ref' in frame && typeof frame.ref === 'string' && frame.ref.length === 64
        ? refuse('ref')
        : frame,
  ],
  [
    'data that is printed anew',
    (frame) =>
      frame.type === 'publish' ? { ...frame, data: JSON.stringify(JSON.parse(frame.data)) } : frame,
  ],
  [
    'data of which the first spelling counts',
    (frame, text) => {
      const data = /"data":("[^"\\]*"|\d+|null)[,}]/.exec(text)?.[1];
      return frame.type === 'publish' && data !== undefined ? { ...frame, data } : frame;
    },
  ],
  [
    'a wrong code',
    (frame) =>
      frame.type === 'refused' && frame.code === 'bad-position'
        ? { ...frame, code: 'bad-field' }
        : frame,
  ],
  [
    'a wrong field',
    (frame) =>
      frame.type === 'refused' && frame.field === 'last' ? { ...frame, field: 'after' } : frame,
  ],
  [
    'a refusal without its ref',
    (frame) => {
      if (frame.type !== 'refused') return frame;
      const { ref: _, ...rest } = frame;
      return rest;
    },
  ],
  [
    'a limit without its default',
    (frame) =>
      frame.type === 'members' && frame.limit === 1_000 ? { ...frame, limit: 100 } : frame,
  ],
  [
    'a throw',
    (frame) => {
      if (frame.type === 'refused' && frame.code === 'bad-frame') throw new Error('planted');
      return frame;
    },
  ],
];

describe('the decoder and a second model of it', () => {
  it(
    `agree about ${INPUTS} inputs of seed ${SEED}`,
    () => {
      const report = fuzz(decodeClientText, SEED, INPUTS);
      const refused = [...report.refusedByCode].map(([code, count]) => `${code} ${count}`).sort();
      process.stdout.write(
        `decoder fuzz, FUZZ_SEED=${SEED}: ${report.tried} inputs, ${report.valid} valid by construction, ` +
          `${report.taken} frames taken; refused with one thing wrong ${report.exact}, in all: ${refused.join(', ')}\n`,
      );
      expect(report.finding).toBeNull();
      expect(report.valid).toBeGreaterThanOrEqual(INPUTS / 3);
      expect(report.exact).toBeGreaterThanOrEqual(INPUTS / 5);
      expect([...report.refusedByCode.keys()].sort()).toEqual([
        'bad-channel',
        'bad-field',
        'bad-frame',
        'bad-json',
        'bad-position',
        'missing-field',
        'too-many-frames',
        'unknown-type',
      ]);
    },
    DEADLINE_MS,
  );

  it.each(DEFECTS)('differ about %s', (_, defect) => {
    expect(fuzz(planted(defect), SEED, PLANTED_INPUTS).finding).not.toBeNull();
  });
});
