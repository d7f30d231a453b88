import { encodeFrame, errorFrame, jsonpText } from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import { lineOf } from './encode.js';
import { answerProblem } from './errors.js';
import type { PollAnswer, PollOutcome } from './poll-connection.js';

const JSON_TYPE = 'application/json; charset=utf-8';
const SCRIPT_TYPE = 'text/javascript; charset=utf-8';

/** @param isLeaving the edge is going away: the client's next poll had better take a new connection */
export function jsonOutcome(
  reply: HttpReply,
  headers: Headers,
  isLeaving: () => boolean,
): PollOutcome {
  return {
    answer: (answer) =>
      reply.answer(
        '200 OK',
        [['Content-Type', JSON_TYPE], ...headers],
        textOf(answer),
        isLeaving(),
      ),
    refuse: (refused) => answerProblem(reply, refused, headers),
  };
}

/** A script tag sees no status: a refusal is an answer too, with an `error` frame and no cursor. */
export function jsonpOutcome(
  reply: HttpReply,
  headers: Headers,
  callback: string,
  isLeaving: () => boolean,
): PollOutcome {
  const answer = (json: string) => {
    const script = jsonpText(callback, json);
    reply.answer('200 OK', [['Content-Type', SCRIPT_TYPE], ...headers], script, isLeaving());
  };
  return {
    answer: (polled) => answer(textOf(polled)),
    refuse: (refused) => answer(`{"frames":[${encodeFrame(errorFrame(refused))}]}`),
  };
}

function textOf({ cursor, frames }: PollAnswer): string {
  return `{"cursor":"${cursor}","frames":[${frames.map(lineOf).join(',')}]}`;
}
