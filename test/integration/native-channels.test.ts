import { describe, expect, test } from 'vitest';
import { connect, type NativeClient } from '../kit/native-client.js';
import { field } from '../kit/rest.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', presence: 'anyone' };
const CONFIG = {
  namespaces: {
    small: { ...OPEN, maxPayloadBytes: 10 },
    forgetful: { ...OPEN, historySize: 0 },
  },
};

describe('channels on the native wire', () => {
  const stack = useFleet({ config: CONFIG });

  async function publishMany(channel: string, count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let data = 1; data <= count; data += 1) {
      ids.push(field(await stack.rest.publish(channel, data), 'id'));
    }
    return ids;
  }

  const dataOf = (client: NativeClient, channel: string) =>
    client.messages(channel).map(({ data }) => data);

  test('N-19 the answer, the replay and live messages come in this order', async () => {
    const channel = channelIn('demo');
    const [first, , third] = await publishMany(channel, 3);
    const client = await connect(stack.ws());
    const answer = await client.subscribe(channel, { after: first });
    expect(answer).toMatchObject({ position: third, recovered: true, replayed: 2 });
    await stack.rest.publish(channel, 4);
    await client.waitForMessages(channel, 3);
    const own = client.frames.filter(({ type }) => type === 'subscribed' || type === 'message');
    expect(own.map((frame) => ('data' in frame ? frame.data : frame.type))).toEqual([
      'subscribed',
      2,
      3,
      4,
    ]);
  });

  test('N-20 last: n replays the last n, and no more than there are', async () => {
    const channel = channelIn('demo');
    await publishMany(channel, 3);
    const client = await connect(stack.ws());
    expect(await client.subscribe(channel, { last: 2 })).toMatchObject({ replayed: 2 });
    expect(await client.waitForMessages(channel, 2)).toMatchObject([{ data: 2 }, { data: 3 }]);
    const other = await connect(stack.ws());
    expect(await other.subscribe(channel, { last: 1_000 })).toMatchObject({ replayed: 3 });
    const none = await connect(stack.ws());
    expect(await none.subscribe(channel, { last: 0 })).not.toHaveProperty('replayed');
  });

  test('N-22 a held channel taken anew replays only where it is asked to', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const [first] = await publishMany(channel, 2);
    await client.waitForMessages(channel, 2);
    expect(await client.subscribe(channel)).not.toHaveProperty('replayed');
    const again = await client.subscribe(channel, { after: first });
    expect(again).toMatchObject({ recovered: true, replayed: 1 });
    await stack.rest.publish(channel, 'live');
    await client.waitForMessages(channel, 4);
    expect(dataOf(client, channel)).toEqual([1, 2, 2, 'live']);
  });

  test('N-22 nothing is missed while a held channel is taken anew', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const sent: number[] = [];
    for (let data = 0; data < 100; data += 1) {
      sent.push(data);
      client.send([
        { type: 'publish', ref: `p${data}`, channel, data },
        { type: 'subscribe', ref: `s${data}`, channel },
      ]);
    }
    await client.waitFor(() => client.of('subscribed').length === 101);
    await client.waitForMessages(channel, 100);
    expect(dataOf(client, channel).toSorted((a, b) => Number(a) - Number(b))).toEqual(sent);
  });

  test('N-24 unsubscribe ends the messages; a channel not held is refused', async () => {
    const channel = channelIn('demo');
    const other = channelIn('demo');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    await client.subscribe(other);
    expect(await client.unsubscribe(channel)).toEqual({ type: 'unsubscribed', ref: 'r3', channel });
    expect(await client.request({ type: 'unsubscribe', channel })).toMatchObject({
      type: 'error',
      code: 'not-subscribed',
      channel,
    });
    await stack.rest.publish(channel, 'unheard');
    await stack.rest.publish(other, 'heard');
    await client.waitForMessages(other, 1);
    expect(client.messages(channel)).toEqual([]);
  });

  test('N-24 frames for one channel in one array are carried out in order', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    const [first] = await publishMany(channel, 2);
    client.send([
      { type: 'subscribe', ref: 1, channel, after: first },
      { type: 'unsubscribe', ref: 2, channel },
      { type: 'subscribe', ref: 3, channel },
      { type: 'unsubscribe', ref: 4, channel },
      { type: 'unsubscribe', ref: 5, channel },
    ]);
    await client.next('error');
    const answers = client.frames.filter((frame) => 'ref' in frame);
    expect(answers).toMatchObject([
      { type: 'subscribed', ref: 1, replayed: 1 },
      { type: 'unsubscribed', ref: 2 },
      { type: 'subscribed', ref: 3 },
      { type: 'unsubscribed', ref: 4 },
      { type: 'error', ref: 5, code: 'not-subscribed' },
    ]);
  });

  test('N-21 a connection holds 128 channels; the next is refused by too-many-channels', async () => {
    const client = await connect(stack.ws());
    const channels = Array.from({ length: 128 }, (_, index) => `demo:many${index}`);
    client.send(channels.map((channel) => ({ type: 'subscribe', ref: channel, channel })));
    await client.waitFor(() => client.of('subscribed').length === 128);
    const refused = await client.request({ type: 'subscribe', channel: 'demo:more' });
    expect(refused).toMatchObject({ code: 'too-many-channels', channel: 'demo:more' });
    await client.unsubscribe('demo:many0');
    await client.subscribe('demo:more');
  });

  test('N-21 HALLEY_CONNECTION_MAX_CHANNELS sets the number, also within one array', async () => {
    const edge = await stack.fleet.addEdge({ HALLEY_CONNECTION_MAX_CHANNELS: '2' });
    const client = await connect(edge.wsUrl);
    client.send(
      ['demo:a', 'demo:b', 'demo:c'].map((channel) => ({
        type: 'subscribe',
        ref: channel,
        channel,
      })),
    );
    expect(await client.next('error')).toMatchObject({ ref: 'demo:c', code: 'too-many-channels' });
    await client.waitFor(() => client.of('subscribed').length === 2);
    // A held one is not a further one, and one that is let go makes room for the next at once.
    await client.subscribe('demo:a');
    client.send([
      { type: 'unsubscribe', ref: 'u', channel: 'demo:a' },
      { type: 'subscribe', ref: 's', channel: 'demo:d' },
    ]);
    const answer = await client.waitFor((frame) => 'ref' in frame && frame.ref === 's');
    expect(answer).toMatchObject({ type: 'subscribed', channel: 'demo:d' });
  });

  test('N-27 a message names the client and the connection that published it', async () => {
    const channel = channelIn('demo');
    const reader = await connect(stack.ws());
    await reader.subscribe(channel);
    const named = await connect(stack.ws(), { client: 'ann' });
    const { id } = await named.publish(channel, { a: 1 }, { event: 'said' });
    const { connectionId } = await named.welcomed();
    const [message] = await reader.waitForMessages(channel, 1);
    expect(message).toEqual({
      type: 'message',
      channel,
      id,
      data: { a: 1 },
      event: 'said',
      clientId: 'ann',
      connectionId,
    });
    await reader.publish(channel, null);
    const [, own] = await reader.waitForMessages(channel, 2);
    expect(own).toMatchObject({ connectionId: (await reader.welcomed()).connectionId });
    expect(own).not.toHaveProperty('clientId');
  });

  test('N-27 nobody publishes to a presence channel', async () => {
    const token = tokenFor('ann', { publish: ['*'], subscribe: ['*'] });
    const client = await connect(stack.ws(), { token });
    const refused = await client.request({ type: 'publish', channel: '@client:ann', data: 1 });
    expect(refused).toMatchObject({ code: 'forbidden', channel: '@client:ann' });
  });

  test('N-28 the payload may have the bytes of its namespace and not one more', async () => {
    const client = await connect(stack.ws());
    const channel = channelIn('small');
    await client.subscribe(channel);
    // Eight characters and two quotes; the second has a character of two bytes.
    await client.publish(channel, '12345678');
    const refused = await client.request({ type: 'publish', channel, data: '1234567\u00e9' });
    expect(refused).toMatchObject({ code: 'payload-too-large', field: 'data', channel });
    const large = channelIn('demo');
    await client.publish(large, 'x'.repeat(65_534));
    const over = await client.request({
      type: 'publish',
      channel: large,
      data: 'x'.repeat(65_535),
    });
    expect(over).toMatchObject({ code: 'payload-too-large' });
    expect(dataOf(client, channel)).toEqual(['12345678']);
  });

  test('N-29 the same key again sends nothing and answers the first id', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const { id } = await client.publish(channel, 1, { key: 'k 1' });
    const again = await client.publish(channel, 2, { key: 'k 1' });
    expect(again).toMatchObject({ id, repeated: true });
    expect((await stack.rest.publish(channel, 3, { key: 'k 1' })).body).toEqual({
      id,
      repeated: true,
    });
    await client.publish(channel, 4, { key: 'k 2' });
    await client.waitForMessages(channel, 2);
    expect(dataOf(client, channel)).toEqual([1, 4]);
  });

  test('N-30 history pages forward, backward, and from the end', async () => {
    const channel = channelIn('demo');
    const ids = await publishMany(channel, 5);
    const client = await connect(stack.ws());
    const page = async (fields: object) => {
      const { messages, position, more } = await client.ask(
        { type: 'history', channel, ...fields },
        'history',
      );
      expect(position).toBe(ids[4]);
      return { data: messages.map((message) => message.data), more };
    };
    expect(await page({})).toEqual({ data: [1, 2, 3, 4, 5], more: false });
    expect(await page({ limit: 2 })).toEqual({ data: [4, 5], more: true });
    expect(await page({ before: ids[3], limit: 2 })).toEqual({ data: [2, 3], more: true });
    expect(await page({ before: ids[1], limit: 2 })).toEqual({ data: [1], more: false });
    expect(await page({ before: ids[0] })).toEqual({ data: [], more: false });
    expect(await page({ after: ids[0], limit: 2 })).toEqual({ data: [2, 3], more: true });
    expect(await page({ after: ids[2] })).toEqual({ data: [4, 5], more: false });
    expect(await page({ after: '0-0' })).toEqual({ data: [1, 2, 3, 4, 5], more: false });
    expect(await page({ before: '0-0' })).toEqual({ data: [], more: false });
  });

  test('N-30 history of a channel that nobody has written to is empty', async () => {
    const client = await connect(stack.ws());
    const answer = await client.ask({ type: 'history', channel: channelIn('demo') }, 'history');
    expect(answer).toMatchObject({ messages: [], more: false });
    expect(answer.position).toMatch(/^0-\d{13}$/);
  });

  test('N-30 a namespace without history says so', async () => {
    const client = await connect(stack.ws());
    const refused = await client.request({ type: 'history', channel: 'forgetful:a' });
    expect(refused).toMatchObject({ code: 'history-disabled', channel: 'forgetful:a' });
  });

  test('N-31 a namespace without members says so, and subscribed has no count', async () => {
    const client = await connect(stack.ws());
    const refused = await client.request({ type: 'members', channel: 'forgetful:a' });
    expect(refused).toMatchObject({ code: 'members-disabled', channel: 'forgetful:a' });
    expect(await client.subscribe('forgetful:a')).not.toHaveProperty('members');
  });
});
