/** What is posted is what arrives, byte for byte: live, replayed, out of a queue, and from history. */

import { describe, expect, test } from 'vitest';
import { valueText } from '../kit/json-text.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { Random, seedFrom } from '../kit/random.js';
import { field } from '../kit/rest.js';
import { OPEN, positionsOf } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';

const SEED = seedFrom('HALLEY_TEST_SEED', 20_261_121);
const PAYLOAD_MAX_BYTES = 65_536;
const SMALL_MAX_BYTES = 10;
/** One more than the bytes that a frame may have where the payload may have 100,000. */
const LARGE_MAX_BYTES = 200_000;
const DRAWN_MESSAGES = 300;
const TOO_LARGE = { code: 'payload-too-large', field: 'data' };

const TEXTS: readonly (readonly [what: string, data: string])[] = [
  ['a 19-digit integer', '1234567890123456789'],
  ['19-digit integers inside', '{"id":9223372036854775807,"ids":[-9223372036854775808]}'],
  ['more digits than a double has', '0.1000000000000000055511151231257827'],
  ['numbers as they were spelled', '[1.0,1e2,1E+2,-0,-1.50E-07]'],
  ['null', 'null'],
  ['an empty text', '""'],
  ['pretty-printed JSON', '{\n  "b" : 1,\r\n\t"a" : [\n    1,\n    2\n  ]\n}'],
  ['keys in their order, numbers among them', '{"b":1,"a":2,"10":3,"9":4}'],
  ['a key twice', '{"a":1,"a":2}'],
  ['__proto__', '{"__proto__":{"a":1},"constructor":2}'],
  ['unicode', '"häl\u2028lo \u{1f600} \u{1f468}\u200d\u{1f469} \u05e9\u05dc\u05d5\u05dd \u4f60"'],
  ['one letter in two spellings', '["\u00e9","e\u0301"]'],
  ['a byte order mark', '"\ufeffa\ufeff"'],
  ['characters behind all others', '"\uffff\u{10ffff}\u007f\u0080"'],
  ['escapes as they were spelled', '"\\u00e9\\u00E9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t"'],
  ['an escaped zero', '"a\\u0000b"'],
  ['half a character, escaped', '"\\ud800"'],
  ['what looks like the end of a frame', '{"a":"}\\"],{\\\\","data":"x\\\\\\""}'],
  ['what looks like markup', '"</script><!-- %00 %s $1 \\\\0"'],
];

describe('the payload of a message', () => {
  const stack = useFleet({
    edges: 2,
    config: {
      namespaces: {
        open: { ...OPEN, historySize: DRAWN_MESSAGES },
        small: { ...OPEN, maxPayloadBytes: SMALL_MAX_BYTES },
        large: { ...OPEN, maxPayloadBytes: LARGE_MAX_BYTES },
      },
    },
  });

  test.each(TEXTS)('keeps %s, posted', async (_, data) => {
    const channel = channelIn('open');
    const watcher = await watch(channel);
    const posted = await postText(`/channels/${channel}/messages`, `{"data":${data}}`);
    expect([posted.status, posted.text]).toEqual([201, expect.any(String)]);
    await expectEverywhere(channel, watcher, field(posted, 'id'), `"data":${data}`);
  });

  test.each(TEXTS)('keeps %s, published by a client', async (_, data) => {
    const channel = channelIn('open');
    const watcher = await watch(channel);
    const sender = await connect(stack.ws(1), { client: 'J\u00f6rg "\u{1f600}"' });
    const { connectionId } = await sender.welcomed();
    sender.sendText(
      `{ "ref":1, "type":"publish", "data" : ${data} , "channel":"${channel}", "event":"n\u00e9e" }`,
    );
    const { id } = await sender.next('published');
    const from = `"clientId":"J\u00f6rg \\"\u{1f600}\\"","connectionId":"${connectionId}"`;
    await expectEverywhere(channel, watcher, id, `"data":${data},"event":"n\u00e9e",${from}`);
  });

  test.each(TEXTS)('keeps %s, sent to a client', async (what, data) => {
    const client = `${what} %, \u00fc`;
    const here = await connect(stack.ws(), { client });
    const path = `/clients/${encodeURIComponent(client)}/messages`;
    const posted = await postText(path, `{"data":${data}}`);
    expect([posted.status, posted.text]).toEqual([201, expect.any(String)]);
    const frame = `{"type":"private","id":"${field(posted, 'id')}","data":${data}}`;
    await here.next('private');
    expect(here.texts).toContain(frame);
    const later = await connect(stack.ws(1), { client });
    await later.next('private');
    expect(later.texts).toContain(frame);
  });

  test('keeps whatever JSON can say, in one batch', async () => {
    const channel = channelIn('open');
    const watcher = await watch(channel);
    const random = new Random(SEED);
    const drawn = Array.from({ length: DRAWN_MESSAGES }, () => valueText(random));
    const messages = drawn.map((data) => `{"channel":"${channel}","data":${data}}`);
    const ids = positionsOf(await postText('/messages', `{"messages":[${messages.join(' ,')}]}`));
    await watcher.waitForMessages(channel, DRAWN_MESSAGES);
    const expected = ids.map((id, index) => frameOf(channel, id, `"data":${drawn[index]}`));
    expect(messageTexts(watcher), `seed ${SEED}`).toEqual(expected);
  });

  test.each([
    ['ASCII', 'x'],
    ['two bytes a character', '\u00e9'],
    ['three bytes a character', '\u20ac'],
    ['four bytes a character', '\u{1f600}'],
  ])('may have 64 KiB, not a byte more: %s', async (_, character) => {
    const channel = channelIn('open');
    const fits = textOf(PAYLOAD_MAX_BYTES, character);
    const tooLarge = textOf(PAYLOAD_MAX_BYTES + 1, character);
    const watcher = await watch(channel);
    const path = `/channels/${channel}/messages`;
    const posted = await postText(path, `{"data":${fits}}`);
    expect([posted.status, posted.text]).toEqual([201, expect.any(String)]);
    const refused = await postText(path, `{"data":${tooLarge}}`);
    expect(refused).toMatchObject({ status: 413, body: TOO_LARGE });

    const sender = await connect(stack.ws(1));
    const { connectionId } = await sender.welcomed();
    expect(await publishText(sender, channel, tooLarge)).toMatchObject(TOO_LARGE);
    const { id } = await sender.publish(channel, JSON.parse(fits));
    await watcher.waitForMessages(channel, 2);
    expect(messageTexts(watcher)).toEqual([
      frameOf(channel, field(posted, 'id'), `"data":${fits}`),
      frameOf(channel, id, `"data":${fits},"connectionId":"${connectionId}"`),
    ]);
    expect(await replayOf(channel, 1)).toEqual(messageTexts(watcher));
  });

  test('may have 64 KiB, not a byte more, when it is sent to a client', async () => {
    const client = await connect(stack.ws(), { client: 'large' });
    const fits = textOf(PAYLOAD_MAX_BYTES, '\u20ac');
    const posted = await postText('/clients/large/messages', `{"data":${fits}}`);
    const { id } = await client.next('private');
    expect(id).toBe(field(posted, 'id'));
    expect(client.texts).toContain(`{"type":"private","id":"${id}","data":${fits}}`);
    const tooLarge = textOf(PAYLOAD_MAX_BYTES + 1, '\u20ac');
    const refused = await postText('/clients/large/messages', `{"data":${tooLarge}}`);
    expect(refused).toMatchObject({ status: 413, body: TOO_LARGE });
    const batch = `{"messages":[{"client":"large","data":${tooLarge}},{"client":"large","data":2}]}`;
    const { body } = await postText('/messages', batch);
    expect(body).toMatchObject({ results: [TOO_LARGE, { id: expect.any(String) }] });
    await client.next('private', ({ data }) => data === 2);
    expect(client.of('private')).toHaveLength(2);
  });

  test('counts the bytes of its spelling, spaces and escapes among them', async () => {
    const channel = channelIn('small');
    const client = await connect(stack.ws());
    for (const [data, isAccepted] of [
      ['[1,\n    2]', true],
      ['[1,\n     2]', false],
      ['"\\u00e9\u00e9"', true],
      ['"\\u00e9\u00e9x"', false],
    ] as const) {
      expect(Buffer.byteLength(data)).toBe(isAccepted ? SMALL_MAX_BYTES : SMALL_MAX_BYTES + 1);
      const posted = await postText(`/channels/${channel}/messages`, `{"data": ${data} }`);
      expect([data, posted.status]).toEqual([data, isAccepted ? 201 : 413]);
      const answer = await publishText(client, channel, data);
      expect([data, answer.type]).toEqual([data, isAccepted ? 'published' : 'error']);
    }
  });

  test('may be larger where its namespace says so', async () => {
    const channel = channelIn('large');
    const watcher = await watch(channel);
    const sender = await connect(stack.ws(1));
    const fits = textOf(LARGE_MAX_BYTES, '\u20ac');
    expect(await publishText(sender, channel, fits)).toMatchObject({ type: 'published' });
    expect(await publishText(sender, channel, `${fits} `)).toMatchObject({ type: 'published' });
    const tooLarge = textOf(LARGE_MAX_BYTES + 1, '\u20ac');
    expect(await publishText(sender, channel, tooLarge)).toMatchObject(TOO_LARGE);
    const messages = await watcher.waitForMessages(channel, 2);
    expect(messages.map(({ data }) => data === JSON.parse(fits))).toEqual([true, true]);
    expect((await watcher.welcomed()).maxPayloadBytes).toBe(LARGE_MAX_BYTES);
  });

  function postText(path: string, text: string) {
    return stack.rest.call('POST', path, { text });
  }

  /** Resolves with the answer, `published` or `error`. */
  async function publishText(client: NativeClient, channel: string, data: string) {
    const ref = client.frames.length;
    client.sendText(`{"type":"publish","ref":${ref},"channel":"${channel}","data":${data}}`);
    return client.waitFor((frame) => 'ref' in frame && frame.ref === ref);
  }

  async function watch(channel: string): Promise<NativeClient> {
    const watcher = await connect(stack.ws());
    await watcher.subscribe(channel);
    return watcher;
  }

  /** @param body of the one message of the channel: its frame from `data` on */
  async function expectEverywhere(
    channel: string,
    watcher: NativeClient,
    id: string,
    body: string,
  ): Promise<void> {
    const frame = frameOf(channel, id, body);
    await watcher.waitForMessages(channel, 1);
    expect(messageTexts(watcher)).toEqual([frame]);
    for (const edge of [0, 1]) expect(await replayOf(channel, edge)).toEqual([frame]);
    const item = `"messages":[{"id":"${id}",${body}}],"position":"${id}","more":false}`;
    const read = await stack.rest.get(`/channels/${channel}/messages`);
    expect(read.text).toBe(`{${item}`);
    await watcher.ask({ type: 'history', channel }, 'history');
    expect(watcher.texts.at(-1)).toContain(item);
  }

  /** Texts of the messages that somebody who has seen nothing is given by an edge. */
  async function replayOf(channel: string, edge: number): Promise<string[]> {
    const client = await connect(stack.ws(edge));
    const { replayed = 0 } = await client.subscribe(channel, { last: DRAWN_MESSAGES });
    await client.waitForMessages(channel, replayed);
    return messageTexts(client);
  }
});

function frameOf(channel: string, id: string, body: string): string {
  return `{"type":"message","channel":"${channel}","id":"${id}",${body}}`;
}

function messageTexts(client: NativeClient): string[] {
  return client.texts.filter((text) => text.startsWith('{"type":"message",'));
}

/** A JSON text of exactly `bytes` bytes of UTF-8, as much of it as possible made of `character`. */
function textOf(bytes: number, character: string): string {
  const width = Buffer.byteLength(character);
  const inside = bytes - 2;
  return `"${'.'.repeat(inside % width)}${character.repeat(Math.floor(inside / width))}"`;
}
