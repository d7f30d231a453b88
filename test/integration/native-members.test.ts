import { describe, expect, test } from 'vitest';
import { connect, type NativeClient } from '../kit/native-client.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', presence: 'anyone', members: true } as const;
const LEAVE_DELAY_MS = 1_000;
const CONFIG = {
  namespaces: {
    room: { ...OPEN, joinLeave: true, leaveDelayMs: LEAVE_DELAY_MS },
    patient: { ...OPEN, joinLeave: true, leaveDelayMs: 600_000 },
    quiet: { ...OPEN, leaveDelayMs: 0 },
  },
};

describe('members of channels', () => {
  const stack = useFleet({ edges: 2, config: CONFIG });

  async function enter(channel: string, client: string, edge = 0): Promise<NativeClient> {
    const connection = await connect(stack.ws(edge), { client });
    await connection.subscribe(channel);
    return connection;
  }

  /** What a member was told of others: `+ann`, `-ann`. */
  function changes(watcher: NativeClient): string[] {
    return watcher.frames.flatMap((frame) => {
      if (frame.type === 'join') return [`+${frame.clientId}`];
      return frame.type === 'leave' ? [`-${frame.clientId}`] : [];
    });
  }

  async function told(watcher: NativeClient, change: string): Promise<void> {
    await watcher.waitFor(() => changes(watcher).includes(change));
  }

  test('N-33 two connections of one client on two edges: one join, one leave', async () => {
    const channel = channelIn('room');
    const watcher = await connect(stack.ws());
    await watcher.subscribe(channel);
    const here = await enter(channel, 'ann', 0);
    const there = await enter(channel, 'ann', 1);
    await enter(channel, 'mark-1', 1);
    await told(watcher, '+mark-1');
    await here.close();
    const passing = await enter(channel, 'mark-2', 0);
    await passing.close();
    // It left after ann's first connection did, and with the same delay.
    await told(watcher, '-mark-2');
    await there.close();
    await told(watcher, '-ann');
    const others = changes(watcher).filter((change) => /ann|mark/.test(change));
    expect(others).toEqual(['+ann', '+mark-1', '+mark-2', '-mark-2', '-ann']);
  });

  test('N-33 a page reload is silent', async () => {
    const channel = channelIn('room');
    const watcher = await enter(channel, 'watcher', 1);
    const before = await enter(channel, 'ann', 0);
    await before.cut();
    await enter(channel, 'ann', 1);
    const passing = await enter(channel, 'mark', 0);
    await passing.cut();
    await told(watcher, '-mark');
    expect(changes(watcher).filter((change) => /ann/.test(change))).toEqual(['+ann']);
  });

  test('N-33 an unsubscribe is told at once, whatever the delay', async () => {
    const channel = channelIn('patient');
    const watcher = await enter(channel, 'watcher', 1);
    const client = await enter(channel, 'ann', 0);
    await told(watcher, '+ann');
    await client.unsubscribe(channel);
    await told(watcher, '-ann');
    expect(changes(client)).not.toContain('-ann');
  });

  test('N-33 join and leave carry the info of the token, and are not told where they are off', async () => {
    const channel = channelIn('patient');
    const watcher = await enter(channel, 'watcher');
    const token = tokenFor('ann', { info: '{"name":"Ann","id":1234567890123456789}' });
    const client = await connect(stack.ws(1), { token });
    await client.subscribe(channel);
    const join = await watcher.next('join', ({ clientId }) => clientId === 'ann');
    expect(join).toMatchObject({ channel, info: { name: 'Ann' } });
    await client.unsubscribe(channel);
    await watcher.next('leave', ({ clientId }) => clientId === 'ann');
    for (const type of ['join', 'leave']) {
      const text = watcher.texts.find((frame) => frame.includes(type) && frame.includes('Ann'));
      expect(text).toContain('"info":{"name":"Ann","id":1234567890123456789}');
    }

    const quiet = channelIn('quiet');
    const other = await enter(quiet, 'watcher');
    const passing = await enter(quiet, 'ann', 1);
    await passing.unsubscribe(quiet);
    await stack.rest.publish(quiet, 'mark');
    await other.waitForMessages(quiet, 1);
    expect(changes(other)).toEqual([]);
  });

  test('N-32 subscribed counts the members, the subscriber included', async () => {
    const channel = channelIn('quiet');
    const first = await connect(stack.ws(0), { client: 'ann' });
    expect(await first.subscribe(channel)).toMatchObject({ members: 1 });
    const nameless = await connect(stack.ws(1));
    expect(await nameless.subscribe(channel)).toMatchObject({ members: 2 });
    const again = await connect(stack.ws(1), { client: 'ann' });
    expect(await again.subscribe(channel)).toMatchObject({ members: 2 });
    expect(await first.subscribe(channel)).toMatchObject({ members: 2 });
    await nameless.unsubscribe(channel);
    // The answer to an unsubscribe does not wait for the store.
    await expect.poll(async () => (await first.subscribe(channel)).members).toBe(1);
    // Taking a held channel anew is not a further connection.
    const { body } = await stack.rest.get(`/channels/${channel}/members`);
    expect(body).toMatchObject({ count: 1, members: [{ clientId: 'ann', connections: 2 }] });
  });

  test('N-31 members are paged by name, with the info of their tokens', async () => {
    const channel = channelIn('quiet');
    const info = '{"big":1234567890123456789}';
    const client = await connect(stack.ws(1), { token: tokenFor('b', { info }) });
    await client.subscribe(channel);
    for (const name of ['d', 'a', 'c']) await enter(channel, name);
    const page = async (fields: object) => {
      const answer = await client.ask({ type: 'members', channel, ...fields }, 'members');
      expect(answer.count).toBe(4);
      return { names: answer.members.map(({ clientId }) => clientId), more: answer.more };
    };
    expect(await page({})).toEqual({ names: ['a', 'b', 'c', 'd'], more: false });
    expect(client.texts.at(-1)).toContain(`{"clientId":"b","info":${info}}`);
    expect(client.of('members').at(-1)?.members[0]).toEqual({ clientId: 'a' });
    expect(await page({ limit: 2 })).toEqual({ names: ['a', 'b'], more: true });
    expect(await page({ limit: 2, after: 'b' })).toEqual({ names: ['c', 'd'], more: false });
    expect(await page({ after: 'bb', limit: 1 })).toEqual({ names: ['c'], more: true });
    expect(await page({ after: 'd' })).toEqual({ names: [], more: false });
  });

  test('N-32 a nameless connection is a member by its connectionId', async () => {
    const channel = channelIn('quiet');
    const client = await connect(stack.ws());
    await client.subscribe(channel);
    const { connectionId } = await client.welcomed();
    const { members } = await client.ask({ type: 'members', channel }, 'members');
    expect(members).toEqual([{ clientId: connectionId }]);
    await client.unsubscribe(channel);
    const after = await client.ask({ type: 'members', channel }, 'members');
    expect(after).toMatchObject({ count: 0, members: [] });
  });

  test('N-31 members are kept under the name as it is, whatever it holds', async () => {
    const channel = channelIn('room');
    const name = 'a b=1,c=2 "quoted" \u00fc\u{1f600}';
    const watcher = await enter(channel, 'watcher', 1);
    const client = await enter(channel, name);
    expect(await watcher.next('join', ({ clientId }) => clientId === name)).toBeDefined();
    const { members } = await client.ask({ type: 'members', channel }, 'members');
    expect(members.map(({ clientId }) => clientId)).toEqual([name, 'watcher']);
    await client.unsubscribe(channel);
    await watcher.next('leave', ({ clientId }) => clientId === name);
  });
});
