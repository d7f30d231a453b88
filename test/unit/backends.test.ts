/** What bounds the questions of an edge to backends. */

import {
  ANSWER_MAX_SECONDS,
  DENIAL_SECONDS,
  readAnswer,
} from '@halley/edge/dist/access/answer-text.js';
import { Answers } from '@halley/edge/dist/access/answers.js';
import { BackendCalls, refusedOf } from '@halley/edge/dist/access/backend-call.js';
import { Turns } from '@halley/edge/dist/access/turns.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DecidingBackend } from '../kit/deciding-backend.js';
import { DEADLINE_MS } from '../kit/wait.js';

const NOW_MS = 1_000_000;

describe('turns', () => {
  test('so many run, so many wait in their order, the rest is turned away', async () => {
    const turns = new Turns(1, 2);
    const { signal } = new AbortController();
    const order: string[] = [];
    expect(await turns.take(signal)).toBe(true);
    const second = turns.take(signal).then((isMine) => order.push(`second ${isMine}`));
    const third = turns.take(signal).then((isMine) => order.push(`third ${isMine}`));
    expect(await turns.take(signal)).toBe(false);
    turns.done();
    await second;
    turns.done();
    await third;
    expect(order).toEqual(['second true', 'third true']);
    turns.done();
    expect(await turns.take(signal)).toBe(true);
  });

  test('who waits no longer frees its place', async () => {
    const turns = new Turns(1, 1);
    const leaving = new AbortController();
    const { signal } = new AbortController();
    await turns.take(signal);
    const left = turns.take(leaving.signal);
    leaving.abort();
    expect(await left).toBe(false);
    const next = turns.take(signal);
    turns.done();
    expect(await next).toBe(true);
  });
});

describe('answers', () => {
  const yes = (untilMs: number) => ({ allow: true, untilMs, info: null });

  test('hold until their time, and the least used goes first', () => {
    const answers = new Answers(2);
    answers.set('a', yes(10));
    answers.set('b', yes(20));
    expect(answers.get('a', 9)).toEqual(yes(10));
    answers.set('c', yes(20));
    expect([answers.get('a', 9), answers.get('b', 9)]).toEqual([yes(10), null]);
    expect(answers.get('a', 10)).toBeNull();
    expect(answers.size).toBe(1);
  });

  test.each([
    ['{"allow":true}', 60],
    ['{"allow":true,"seconds":7}', 7],
    ['{"allow":true,"seconds":99999999}', ANSWER_MAX_SECONDS],
    ['{"allow":false}', DENIAL_SECONDS],
    ['{"allow":false,"seconds":3600}', DENIAL_SECONDS],
  ])('%s holds for %i s', (text, seconds) => {
    expect(readAnswer(text, NOW_MS)).toMatchObject({ untilMs: NOW_MS + seconds * 1_000 });
  });

  test.each(['', 'true', 'null', '[]', '{}', '{"allow":1}', '{"allow":true,"seconds":0}'])(
    '%j is none',
    (text) => {
      expect(readAnswer(text, NOW_MS)).toBeTypeOf('string');
    },
  );
});

describe('calls', () => {
  const backend = new DecidingBackend();
  const calls = new BackendCalls(2);
  beforeAll(() => backend.start());
  afterAll(async () => {
    calls.close();
    await backend.stop();
  });

  const post = (url: string) =>
    calls.post(new URL(url), {}, '{"channel":"a"}', AbortSignal.timeout(DEADLINE_MS));

  test('a name is looked up and may be this machine', async () => {
    const { status, text } = await post(`http://localhost:${backend.port}/`);
    expect([status, text]).toEqual([200, '{"allow":false}']);
  });

  test('a kept connection that is closed is no failure', async () => {
    const before = backend.asked.length;
    const url = `http://127.0.0.1:${backend.port}/`;
    await post(url);
    let cut = 0;
    backend.decide = () => {
      cut += 1;
      return cut === 1 ? (response) => response.destroy() : { allow: true };
    };
    expect((await post(url)).text).toBe('{"allow":true}');
    expect(backend.asked.length - before).toBe(3);
  });

  test.each(['0.0.0.0', '0', '[::]', '[::ffff:0.0.0.0]'])('not to %s', async (host) => {
    const before = backend.asked.length;
    await expect(post(`http://${host}:${backend.port}/`)).rejects.toThrow('no call may go to');
    expect(backend.asked).toHaveLength(before);
  });

  test('one address that is refused spoils a name', () => {
    const named = (...addresses: string[]) => refusedOf(addresses.map((address) => ({ address })));
    expect(named('10.0.0.7', 'fd00::7')).toBeNull();
    expect(named('10.0.0.7', '169.254.169.254')).toBe('no call may go to 169.254.169.254');
    expect(named()).toBe('the name has no address');
  });
});
