import type { Refusal } from './codes.js';
import type {
  ErrorFrame,
  HistoryAnswerFrame,
  MembersAnswerFrame,
  Ref,
  RefusedFrame,
  ServerFrame,
} from './frames.js';
import type { RawJson } from './json-span.js';

export function encodeFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

type HistoryAnswer = Omit<HistoryAnswerFrame, 'type' | 'messages'> & {
  readonly messages: readonly RawJson[];
};

/** `messages` are put in as the text that Redis holds. */
export function encodeHistory(answer: HistoryAnswer): string {
  const head = `{"type":"history","ref":${JSON.stringify(answer.ref)},"channel":"${answer.channel}"`;
  const tail = `"position":"${answer.position}","more":${answer.more}}`;
  return `${head},"messages":[${answer.messages.join(',')}],${tail}`;
}

type MembersAnswer = Omit<MembersAnswerFrame, 'type' | 'members'> & {
  readonly members: readonly RawJson[];
};

export function encodeMembers(answer: MembersAnswer): string {
  const head = `{"type":"members","ref":${JSON.stringify(answer.ref)},"channel":"${answer.channel}"`;
  return `${head},"count":${answer.count},"members":[${answer.members.join(',')}],"more":${answer.more}}`;
}

export function errorFrame(refused: Refusal, ref?: Ref, channel?: string): ErrorFrame {
  return {
    type: 'error',
    ...(ref !== undefined && { ref }),
    code: refused.code,
    message: refused.message,
    ...(channel !== undefined && { channel }),
    ...(refused.field !== undefined && { field: refused.field }),
    ...(refused.retryAfterMs !== undefined && { retryAfterMs: refused.retryAfterMs }),
  };
}

export function errorOfRefused(refused: RefusedFrame): ErrorFrame {
  return errorFrame(refused, refused.ref, refused.channel);
}
