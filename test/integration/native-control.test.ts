import { describe, expect, test } from 'vitest';
import { connect } from '../kit/native-client.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const SECOND_MS = 1_000;

describe('what the operator ends', () => {
  const stack = useFleet({ edges: 2 });

  const memberPath = (channel: string, member: string) =>
    `/channels/${channel}/members/${encodeURIComponent(member)}`;

  test('N-25 a kick ends the subscription of all connections, and may be undone', async () => {
    const channel = channelIn('demo');
    const here = await connect(stack.ws(0), { client: 'ann' });
    const there = await connect(stack.ws(1), { client: 'ann' });
    const other = await connect(stack.ws(1), { client: 'bob' });
    for (const client of [here, there, other]) await client.subscribe(channel);
    const answer = await stack.rest.delete(memberPath(channel, 'ann'));
    expect(answer).toMatchObject({ status: 200, body: { edges: 2 } });
    for (const client of [here, there]) {
      const ended = await client.next('unsubscribed');
      expect(ended).toEqual({ type: 'unsubscribed', channel, code: 'kicked' });
    }
    await stack.rest.publish(channel, 'for bob');
    await other.waitForMessages(channel, 1);
    await here.subscribe(channel, { last: 1 });
    expect(await here.waitForMessages(channel, 1)).toMatchObject([{ data: 'for bob' }]);
    expect(other.of('unsubscribed')).toEqual([]);
  });

  test('N-25 a kick may carry a word of its own', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws(), { client: 'ann' });
    await client.subscribe(channel);
    await stack.rest.delete(memberPath(channel, 'ann'), { code: 'room-closed' });
    expect(await client.next('unsubscribed')).toMatchObject({ channel, code: 'room-closed' });
  });

  test('N-25 a nameless connection is kicked by its connectionId', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const { connectionId } = await client.welcomed();
    await stack.rest.delete(memberPath(channel, connectionId));
    expect(await client.next('unsubscribed')).toMatchObject({ channel, code: 'kicked' });
  });

  test('N-25 a banned client is refused on every edge until the ban ends', async () => {
    const channel = channelIn('demo');
    const client = await connect(stack.ws(0), { client: 'carl' });
    await client.subscribe(channel);
    const seconds = 2;
    await stack.rest.delete(memberPath(channel, 'carl'), { seconds });
    const bannedAt = Date.now();
    expect(await client.next('unsubscribed')).toMatchObject({ code: 'kicked' });
    const elsewhere = await connect(stack.ws(1), { client: 'carl' });
    for (const connection of [client, elsewhere]) {
      const refused = await connection.request({ type: 'subscribe', channel });
      expect(refused).toMatchObject({ code: 'banned', channel });
      const { retryAfterMs = 0 } = refused as { retryAfterMs?: number };
      expect(retryAfterMs).toBeGreaterThan(0);
      // The end is rounded up to a whole second.
      expect(retryAfterMs).toBeLessThanOrEqual((seconds + 1) * SECOND_MS);
    }
    await client.subscribe(channelIn('demo'));
    await eventually(
      async () => (await elsewhere.request({ type: 'subscribe', channel })).type === 'subscribed',
      'the ban ends',
      5 * (seconds + 1) * SECOND_MS,
    );
    expect(Date.now() - bannedAt).toBeGreaterThanOrEqual((seconds - 0.5) * SECOND_MS);
  });

  test('N-38 a disconnect closes all connections of a client, by default with 4000', async () => {
    const here = await connect(stack.ws(0), { client: 'dora' });
    const there = await connect(stack.ws(1), { client: 'dora' });
    const other = await connect(stack.ws(0), { client: 'emil' });
    const answer = await stack.rest.post('/clients/dora/disconnect', {});
    expect(answer).toMatchObject({ status: 200, body: { edges: 2 } });
    for (const client of [here, there]) {
      const closed = await within(client.closed, 'the connection ends');
      expect(closed).toEqual({ code: 4000, reason: 'disconnected' });
    }
    other.send({ type: 'ping' });
    await other.next('pong');
  });

  test('N-38 a disconnect closes with the code that it names', async () => {
    const client = await connect(stack.ws(), { client: 'fred' });
    await stack.rest.post('/clients/fred/disconnect', { code: 4150 });
    expect(await within(client.closed, 'the connection ends')).toMatchObject({ code: 4150 });
    const refused = await stack.rest.post('/clients/fred/disconnect', { code: 1000 });
    expect(refused).toMatchObject({ status: 422, body: { code: 'bad-field', field: 'code' } });
  });

  test('the reasons are kept: GET /edges/:id/events shows refusals and cuts', async () => {
    const client = await connect(stack.ws(), { client: 'gina' });
    const { edgeId, connectionId } = await client.welcomed();
    const channel = channelIn('closed');
    await client.request({ type: 'subscribe', channel });
    await stack.rest.post('/clients/gina/disconnect', {});
    await within(client.closed, 'the connection ends');
    const { body } = await stack.rest.get(`/edges/${edgeId}/events`);
    const { events } = body as { events: { connectionId?: string }[] };
    expect(events.filter((event) => event.connectionId === connectionId)).toMatchObject([
      { kind: 'refused', code: 'forbidden', clientId: 'gina', channel },
      { kind: 'cut', code: 'disconnected', clientId: 'gina' },
    ]);
  });
});
