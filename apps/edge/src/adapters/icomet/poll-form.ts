import { inScript } from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import type { ObjectText } from './encode.js';

const JSON_TYPE = 'application/json; charset=utf-8';
const SCRIPT_TYPE = 'text/javascript; charset=utf-8';
/** What a broadcast brings along begins so, and no content does: quotes are escaped there. */
const SECOND_OBJECT = '},{"type":';

/** How the answer of a poll is spelled; of polls that are alike it is the same object. */
export class PollForm {
  readonly headers: Headers;
  readonly #callback: string | null;

  /** @param callback name of the JSONP callback; null: JSON */
  constructor(headers: Headers, callback: string | null) {
    this.headers = headers;
    this.#callback = callback;
  }

  /** What came just now: one object, or a broadcast with its number. */
  live(reply: HttpReply, objects: string): void {
    if (objects.includes(SECOND_OBJECT)) this.kept(reply, objects);
    else this.single(reply, objects);
  }

  /** @param objects joined by commas */
  kept(reply: HttpReply, objects: string): void {
    this.#send(reply, `[${objects}]`, false);
  }

  single(reply: HttpReply, object: ObjectText): void {
    this.#send(reply, object, false);
  }

  leave(reply: HttpReply, object: ObjectText): void {
    this.#send(reply, object, true);
  }

  #send(reply: HttpReply, json: string, closesSocket: boolean): void {
    const callback = this.#callback;
    const type = callback === null ? JSON_TYPE : SCRIPT_TYPE;
    const body = callback === null ? `${json}\n` : `${callback}(${inScript(json)});\n`;
    reply.answer('200 OK', [['Content-Type', type], ...this.headers], body, closesSocket);
  }
}
