import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Refusal } from '@halley/shared/protocol';
import { refusal } from '@halley/shared/protocol';
import type { Action, Identity } from '../core/ports/authorizer.js';
import { denial, readAnswer } from './answer-text.js';
import { type Answer, Answers } from './answers.js';
import { BackendCalls } from './backend-call.js';
import { Turns } from './turns.js';

export interface BackendOptions {
  readonly secret: string;
  readonly timeoutMs: number;
  readonly maxCalls: number;
  readonly maxWaiting: number;
}

/** Told why a question has no answer; holds nothing of what was asked. */
export type OnUnanswered = (reason: string) => void;

/** When whoever got no answer may ask again: spread, so that they do not all come back at once. */
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 3_000;

/** Backends that decide about rights, asked once for the same question while its answer holds. */
export class Backends {
  readonly #options: BackendOptions;
  readonly #key: KeyObject;
  readonly #calls: BackendCalls;
  readonly #turns: Turns;
  readonly #answers = new Answers();
  readonly #underWay = new Map<string, Promise<Answer | Refusal>>();
  readonly #urls = new Map<string, URL>();
  readonly #onUnanswered: OnUnanswered;

  constructor(options: BackendOptions, onUnanswered: OnUnanswered) {
    this.#options = options;
    this.#key = createSecretKey(Buffer.from(options.secret));
    this.#calls = new BackendCalls(options.maxCalls);
    this.#turns = new Turns(options.maxCalls, options.maxWaiting);
    this.#onUnanswered = onUnanswered;
  }

  /** Never rejects. @returns the answer, or `authorizer-unavailable` */
  ask(url: string, action: Action, channel: string, who: Identity): Promise<Answer | Refusal> {
    const body = questionOf(action, channel, who);
    // A digest, so that no cookie is kept longer than its connection.
    const key = createHash('sha256').update(`${url}\n${body}`).digest('base64');
    const known = this.#answers.get(key, Date.now());
    if (known !== null) return Promise.resolve(known);
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(url, key, body).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  close(): void {
    this.#calls.close();
  }

  async #ask(url: string, key: string, body: string): Promise<Answer | Refusal> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    if (!(await this.#turns.take(signal))) {
      return this.#unanswered('too many questions wait for the backend');
    }
    try {
      const answer = await this.#call(url, body, signal);
      if (typeof answer === 'string') return this.#unanswered(answer);
      this.#answers.set(key, answer);
      return answer;
    } catch (error) {
      return this.#unanswered(signal.aborted ? 'no answer in time' : messageOf(error));
    } finally {
      this.#turns.done();
    }
  }

  /** @returns what is wrong with the answer where it is none */
  async #call(url: string, body: string, signal: AbortSignal): Promise<Answer | string> {
    const reply = await this.#calls.post(this.#urlOf(url), this.#headersFor(body), body, signal);
    const nowMs = Date.now();
    if (reply.status === 401 || reply.status === 403) return denial(nowMs);
    if (reply.status !== 200) return `the status of the answer is ${reply.status}`;
    return reply.isJson ? readAnswer(reply.text, nowMs) : 'the answer is not application/json';
  }

  #headersFor(body: string): Readonly<Record<string, string>> {
    const seconds = Math.floor(Date.now() / 1_000);
    const signature = createHmac('sha256', this.#key).update(`${seconds}.${body}`).digest('hex');
    return {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      Accept: 'application/json',
      'User-Agent': 'halley',
      'Halley-Signature': `t=${seconds},v1=${signature}`,
    };
  }

  /** As many as there are namespaces. */
  #urlOf(text: string): URL {
    const url = this.#urls.get(text) ?? new URL(text);
    this.#urls.set(text, url);
    return url;
  }

  #unanswered(reason: string): Refusal {
    this.#onUnanswered(reason);
    const retryAfterMs = RETRY_MIN_MS + Math.floor(Math.random() * (RETRY_MAX_MS - RETRY_MIN_MS));
    return { ...refusal('authorizer-unavailable'), retryAfterMs };
  }
}

function questionOf(action: Action, channel: string, { clientId, visitor }: Identity): string {
  const origin = visitor?.origin || null;
  const cookie = visitor?.cookie || null;
  return JSON.stringify({ action, clientId, channel, origin, cookie });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
