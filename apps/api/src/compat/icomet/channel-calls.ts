/** /sign, /close, /clear, /info and /check. */

import { randomBytes } from 'node:crypto';
import { icometNumber, RefusedError, refusal } from '@halley/shared/protocol';
import { channelKeys, reading, writing } from '@halley/shared/redis';
import type { Services } from '../../control/services.js';
import type { PlainAnswer } from '../../http/plain.js';
import { ICOMET_VERSION, jsonAnswer, textAnswer } from './answers.js';
import type { Form } from './form.js';
import { EXPIRES_MAX_SECONDS, SIGN_REACH_MESSAGES } from './limits.js';
import { type Census, countSubscribers, takeCensus } from './live-channels.js';
import { callbackOf, type Target, targetOf } from './target.js';

const TOKEN_BYTES = 16;
const LEADING_NUMBER = /^[ \t\n\v\f\r]*([+-]?\d+)/;

export async function sign(
  { scripts, settings }: Services,
  { cname, cb, expires }: Form,
): Promise<PlainAnswer> {
  const callback = callbackOf(cb);
  const { channel } = targetOf(cname, settings.namespaces);
  const seconds = secondsIn(expires) ?? settings.icomet.channelTimeoutSeconds;
  const { icometToken, number, log } = channelKeys(channel);
  const fresh = randomBytes(TOKEN_BYTES).toString('hex');
  const reply = await writing(
    scripts.run('sign', [icometToken, number, log], [fresh, seconds * 1_000]),
  );
  const [token, last, entries] = reply as [string, number, number];
  const signed = {
    type: 'sign',
    cname,
    seq: icometNumber(last + 1 - Math.min(entries, SIGN_REACH_MESSAGES, last)),
    token,
    expires: seconds,
    sub_timeout: settings.icomet.pollingTimeoutSeconds,
  };
  return jsonAnswer(JSON.stringify(signed), callback);
}

/** Ends the subscriptions, and takes away history and token. The number goes on. */
export async function close(services: Services, form: Form): Promise<PlainAnswer> {
  const { channel, next } = await known(services, form);
  // First: with the token of before nobody may come back.
  await writing(services.redis.del(channelKeys(channel).icometToken));
  await clearLog(services, channel);
  // To all edges: the channel's subscribers in Redis are up to a second old.
  await writing(services.edges.tellAll({ type: 'close', channel, code: 'closed' }));
  return textAnswer(`ok ${next}\n`);
}

export async function clear(services: Services, form: Form): Promise<PlainAnswer> {
  const { channel, next } = await known(services, form);
  await clearLog(services, channel);
  return textAnswer(`ok ${next}\n`);
}

export async function check(services: Services, { cname }: Form): Promise<PlainAnswer> {
  const target = targetOf(cname, services.settings.namespaces);
  const { isKnown } = await readState(services, target);
  return jsonAnswer(isKnown ? `{${JSON.stringify(cname)}: 1}` : '{}');
}

/** The count of all channels takes a while where there are many; whoever asks meanwhile gets the same. */
export class Info {
  readonly #services: Services;
  #census: Promise<Census> | null = null;

  constructor(services: Services) {
    this.#services = services;
  }

  async answer({ cname }: Form): Promise<PlainAnswer> {
    const { redis, settings } = this.#services;
    if (cname !== '') {
      const { channel } = targetOf(cname, settings.namespaces);
      const subscribers = await countSubscribers(redis, channel);
      return jsonAnswer(`{"cname": ${JSON.stringify(cname)}, "subscribers": ${subscribers}}`);
    }
    this.#census ??= takeCensus(redis, settings.namespaces).finally(() => {
      this.#census = null;
    });
    const { channels, subscribers } = await this.#census;
    const counts = `"channels": ${channels}, "subscribers": ${subscribers}`;
    return textAnswer(`{"version": "${ICOMET_VERSION}", ${counts}}\n`);
  }
}

/** @throws RefusedError where the channel is not known */
async function known(services: Services, { cname }: Form) {
  const target = targetOf(cname, services.settings.namespaces);
  const { isKnown, last } = await readState(services, target);
  if (!isKnown) throw new RefusedError(refusal('not-found', `channel[${cname}] not connected`));
  return { channel: target.channel, next: icometNumber(last + 1) };
}

/** A number alone makes no channel known: it outlives the channel by days. */
async function readState({ redis }: Services, { channel }: Target) {
  const keys = channelKeys(channel);
  const [listened, signed, entries, last] = await reading(
    Promise.all([
      redis.exists(keys.subscribers),
      redis.exists(keys.icometToken),
      redis.xlen(keys.log),
      redis.get(keys.number),
    ]),
  );
  return { isKnown: listened + signed + entries > 0, last: Number(last ?? 0) };
}

async function clearLog({ scripts }: Services, channel: string): Promise<void> {
  const { log, live } = channelKeys(channel);
  await writing(scripts.run('clear', [log], [live]));
}

/** Null for what is no positive number. @throws RefusedError for more than is allowed */
function secondsIn(text: string): number | null {
  const seconds = Number(LEADING_NUMBER.exec(text)?.[1] ?? 0);
  if (seconds <= 0) return null;
  if (seconds <= EXPIRES_MAX_SECONDS) return seconds;
  const why = `expires= may be at most ${EXPIRES_MAX_SECONDS} seconds`;
  throw new RefusedError(refusal('bad-query', why, 'expires'));
}
