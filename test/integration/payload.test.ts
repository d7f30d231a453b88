/** The bytes of `data` arrive as they were posted, up to the limit of the namespace. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';

const LIMIT_BYTES = 65_536;
const CHANNEL = 'demo:payload';
const CLIENT = 'reader';

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;
let reader: NativeClient;
let writer: NativeClient;

beforeAll(async () => {
  redis = await startRedis();
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1 });
  rest = new RestClient(fleet.api().url);
  reader = await connect(fleet.edge(0).wsUrl, { client: CLIENT });
  writer = await connect(fleet.edge(1).wsUrl);
  await reader.subscribe(CHANNEL);
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

const TEXTS: readonly { readonly title: string; readonly data: string }[] = [
  { title: 'unicode', data: '"Zoë 🦊 漢字 \u2028 \u{10ffff} é e\u0301"' },
  { title: 'escapes', data: '"\\u005a\\ud83e\\udd8a \\/ \\n \\"quoted\\" \\\\"' },
  { title: 'escaped zero and lone surrogate', data: '"\\u0000 \\ud800"' },
  { title: '19-digit integers', data: '{"id":9223372036854775807,"n":-1234567890123456789}' },
  { title: 'numbers as they were written', data: '[1.0,1e3,-0,0.10000000000000000555,1E+2]' },
  { title: 'keys out of order and repeated', data: '{"b":1,"a":2,"b":3}' },
  { title: 'pretty-printed JSON', data: '{\n  "list": [\r\n\t1,\n\t2\n  ],\n  "deep": { }\n}' },
  { title: 'what looks like ours', data: '{"data":{"type":"message","id":"0-0"},"event":"x"}' },
  { title: 'null', data: 'null' },
  { title: 'an empty string', data: '""' },
  { title: 'deep nesting', data: `${'['.repeat(500)}${']'.repeat(500)}` },
];

/** One way to publish `data`: what is put in, and the text of the frame that comes out. */
interface Way {
  readonly name: string;
  /** @returns the message's position, or the code of the refusal */
  post(data: string): Promise<{ readonly id?: string; readonly code?: string }>;
  received(id: string): Promise<string>;
}

async function postByRest(path: string, data: string): Promise<{ id?: string; code?: string }> {
  // Spaces and an event around it: `data` alone must be cut out.
  const text = `{ "event":"e" , "data" :  ${data} }`;
  const answer = await rest.call('POST', path, { text });
  if (answer.status === 201) return { id: field(answer, 'id') };
  expect(answer.status).toBe(413);
  return { code: field(answer, 'code') };
}

let lastRef = 0;

const WAYS: readonly Way[] = [
  {
    name: 'by REST to a channel',
    post: (data) => postByRest(`/channels/${CHANNEL}/messages`, data),
    received: (id) => textOf('message', id),
  },
  {
    name: 'by REST to a client',
    post: (data) => postByRest(`/clients/${CLIENT}/messages`, data),
    received: (id) => textOf('private', id),
  },
  {
    name: 'by a client',
    async post(data) {
      lastRef += 1;
      const ref = `raw${lastRef}`;
      writer.sendText(`{"type":"publish", "ref":"${ref}","channel":"${CHANNEL}","data": ${data} }`);
      const answer = await writer.waitFor((frame) => 'ref' in frame && frame.ref === ref);
      return answer.type === 'published'
        ? { id: answer.id }
        : { code: Reflect.get(answer, 'code') };
    },
    received: (id) => textOf('message', id),
  },
];

async function textOf(type: 'message' | 'private', id: string): Promise<string> {
  const frame = await reader.next(type, (one) => one.id === id);
  return reader.texts[reader.frames.indexOf(frame)] ?? '';
}

describe.each(WAYS)('published $name', ({ post, received }) => {
  test.each(TEXTS)('$title arrives as it was posted', async ({ data }) => {
    const { id = '' } = await post(data);
    expect(await received(id)).toContain(`"id":"${id}","data":${data}`);
  });

  test.each([
    { title: 'of one byte each', text: (bytes: number) => `"${'x'.repeat(bytes - 2)}"` },
    {
      title: 'of four bytes each',
      text: (bytes: number) =>
        `"${'🦊'.repeat((bytes - 4) / 4)}${'x'.repeat(2 + ((bytes - 4) % 4))}"`,
    },
  ])('64 KiB $title are taken, a byte more is refused', async ({ text }) => {
    const data = text(LIMIT_BYTES);
    expect(Buffer.byteLength(data)).toBe(LIMIT_BYTES);
    const { id = '' } = await post(data);
    expect(await received(id)).toContain(`"data":${data}`);
    const over = data.replace('"', '"x');
    expect(Buffer.byteLength(over)).toBe(LIMIT_BYTES + 1);
    expect(await post(over)).toEqual({ code: 'payload-too-large' });
  });
});

test('history and replay give the same bytes as the live frame', async () => {
  const data = '{ "id": 9223372036854775807,\n "z": "\\u00e9 🦊" }';
  const answer = await rest.call('POST', `/channels/${CHANNEL}/messages`, {
    text: `{"data":${data}}`,
  });
  const id = field(answer, 'id');
  const live = await textOf('message', id);
  const late = await connect(fleet.edge(1).wsUrl);
  await late.subscribe(CHANNEL, { last: 1 });
  await late.next('message', (frame) => frame.id === id);
  expect(late.texts).toContain(live);
  expect((await rest.get(`/channels/${CHANNEL}/messages?limit=1`)).text).toContain(
    `"messages":[{"id":"${id}","data":${data}}]`,
  );
  await late.ask({ type: 'history', channel: CHANNEL, limit: 1 }, 'history');
  expect(late.texts.at(-1)).toContain(`"messages":[{"id":"${id}","data":${data}}]`);
});
