/** /push, /pub and /broadcast. */

import { bodyOf, type RawJson, type Refusal, RefusedError, refusal } from '@halley/shared/protocol';
import { chunks } from '@halley/shared/redis';
import type { Services } from '../../control/services.js';
import type { PlainAnswer } from '../../http/plain.js';
import { jsonAnswer, textAnswer } from './answers.js';
import type { Form } from './form.js';
import { BROADCAST_CONCURRENCY } from './limits.js';
import { livePages } from './live-channels.js';
import { callbackOf, type Target, targetOf } from './target.js';

type Publishing = Pick<Services, 'publisher' | 'redis' | 'settings'>;

const BROADCAST = 'broadcast';

/** The content is any text. */
export function push(services: Publishing, form: Form): Promise<PlainAnswer> {
  return publish(services, form, JSON.stringify(form.content));
}

/** The content is the inside of a JSON string. */
export function pub(services: Publishing, form: Form): Promise<PlainAnswer> {
  const data = `"${form.content}"`;
  if (isJson(data)) return publish(services, form, data);
  const why = 'content= must be the inside of a JSON string, without its quotes';
  throw new RefusedError(refusal('bad-query', why, 'content'));
}

/** To every channel that has subscribers now. Where the store fails, some have it and others have not. */
export async function broadcast(services: Publishing, form: Form): Promise<PlainAnswer> {
  const { publisher, redis } = services;
  const { namespaces } = services.settings;
  const data = JSON.stringify(form.content);
  checkSize(data, namespaces.icometPayloadBytes);
  const body = bodyOf({ data, event: BROADCAST });
  for await (const page of livePages(redis, namespaces)) {
    for (const some of chunks(page, BROADCAST_CONCURRENCY)) {
      const outcomes = await Promise.all(
        some.map((channel) => publisher.toChannel(channel, body, namespaces.of(channel))),
      );
      for (const outcome of outcomes) check(outcome);
    }
  }
  return textAnswer('ok\n', 'ISO-8859-1');
}

async function publish(
  { publisher, settings }: Publishing,
  form: Form,
  data: RawJson,
): Promise<PlainAnswer> {
  const callback = callbackOf(form.cb);
  const { channel, namespace }: Target = targetOf(form.cname, settings.namespaces);
  checkSize(data, namespace.maxPayloadBytes);
  check(await publisher.toChannel(channel, bodyOf({ data }), namespace));
  return jsonAnswer('{"type":"ok"}', callback, 'text/javascript');
}

function checkSize(data: RawJson, maxBytes: number): void {
  const bytes = Buffer.byteLength(data);
  if (bytes <= maxBytes) return;
  const why = `content= has ${bytes} bytes as JSON; at most ${maxBytes} are allowed here`;
  throw new RefusedError(refusal('payload-too-large', why, 'content'));
}

function check(outcome: object | Refusal): void {
  if ('code' in outcome) throw new RefusedError(outcome);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
