import { encodeFrame, errorFrame, jsonpText, type Refusal } from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import { lineOf } from './encode.js';
import { answerProblem } from './errors.js';
import type { PollAnswer, PollForm } from './poll-connection.js';

const JSON_TYPE = 'application/json; charset=utf-8';
const SCRIPT_TYPE = 'text/javascript; charset=utf-8';

export class JsonForm implements PollForm {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  answer(reply: HttpReply, answer: PollAnswer, isLeaving: boolean): void {
    const headers: Headers = [['Content-Type', JSON_TYPE], ...this.#headers];
    reply.answer('200 OK', headers, textOf(answer), isLeaving);
  }

  refuse(reply: HttpReply, refused: Refusal): void {
    answerProblem(reply, refused, this.#headers);
  }
}

/** A script tag sees no status: a refusal is an answer too, with an `error` frame and no cursor. */
export class ScriptForm implements PollForm {
  readonly #headers: Headers;
  readonly #callback: string;

  constructor(headers: Headers, callback: string) {
    this.#headers = headers;
    this.#callback = callback;
  }

  answer(reply: HttpReply, answer: PollAnswer, isLeaving: boolean): void {
    this.#send(reply, textOf(answer), isLeaving);
  }

  refuse(reply: HttpReply, refused: Refusal): void {
    const frame = encodeFrame(errorFrame(refused));
    this.#send(reply, `{"frames":[${frame}]}`, refused.code === 'draining');
  }

  #send(reply: HttpReply, json: string, isLeaving: boolean): void {
    const headers: Headers = [['Content-Type', SCRIPT_TYPE], ...this.#headers];
    reply.answer('200 OK', headers, jsonpText(this.#callback, json), isLeaving);
  }
}

function textOf({ cursor, frames }: PollAnswer): string {
  return `{"cursor":"${cursor}","frames":[${frames.map(lineOf).join(',')}]}`;
}
