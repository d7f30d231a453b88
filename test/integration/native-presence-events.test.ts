import { describe, expect, test } from 'vitest';
import { connect, type NativeClient } from '../kit/native-client.js';
import { tokenFor, useFleet } from '../kit/use-fleet.js';

const GRACE_MS = 2_000;

interface State {
  readonly event: string | undefined;
  readonly lastSeen: number | null;
}

describe('online and offline of a client, as its watchers see it', () => {
  const stack = useFleet({
    edges: 2,
    config: { namespaces: { '@client': { subscribe: 'anyone' } } },
    env: { HALLEY_PRESENCE_GRACE_MS: String(GRACE_MS) },
  });

  async function watch(channel: string, edge = 0): Promise<NativeClient> {
    const watcher = await connect(stack.ws(edge));
    await watcher.subscribe(channel, { last: 1 });
    return watcher;
  }

  function states(watcher: NativeClient, channel: string): State[] {
    return watcher
      .messages(channel)
      .map(({ event, data }) => ({ event, lastSeen: (data as State).lastSeen }));
  }

  /** All states told, once there are as many. */
  async function seen(watcher: NativeClient, channel: string, count: number): Promise<State[]> {
    await watcher.waitForMessages(channel, count, 5 * GRACE_MS);
    return states(watcher, channel);
  }

  const OFFLINE_NEVER_SEEN: State = { event: 'offline', lastSeen: null };
  const ONLINE: State = { event: 'online', lastSeen: null };

  test('N-34 last: 1 says offline of a client that nobody has seen, then come the changes', async () => {
    const watcher = await watch('@client:ann');
    expect(await seen(watcher, '@client:ann', 1)).toEqual([OFFLINE_NEVER_SEEN]);
    const client = await connect(stack.ws(1), { client: 'ann' });
    expect(await seen(watcher, '@client:ann', 2)).toEqual([OFFLINE_NEVER_SEEN, ONLINE]);
    const leftAt = Date.now();
    await client.close();
    const [, , last] = await seen(watcher, '@client:ann', 3);
    expect(last?.event).toBe('offline');
    expect(last?.lastSeen).toBeGreaterThanOrEqual(leftAt - 1);
    expect(Date.now() - leftAt).toBeGreaterThanOrEqual(GRACE_MS - 1);
  });

  test('N-34 last: 1 says online of a client that was there before anybody watched', async () => {
    await connect(stack.ws(0), { client: 'bob' });
    const near = await watch('@client:bob', 0);
    const far = await watch('@client:bob', 1);
    for (const watcher of [near, far]) {
      expect(await seen(watcher, '@client:bob', 1)).toEqual([ONLINE]);
    }
  });

  test('N-34 last: 1 says offline, and since when, of a client that went unwatched', async () => {
    const client = await connect(stack.ws(0), { client: 'carl' });
    await client.close();
    const gone = await stack.rest.get('/clients?ids=carl');
    const watcher = await watch('@client:carl', 1);
    const [state] = await seen(watcher, '@client:carl', 1);
    const { clients } = gone.body as { clients: { lastSeen: number }[] };
    expect(state).toEqual({ event: 'offline', lastSeen: clients[0]?.lastSeen });
  });

  test('N-34 who comes back within the grace was never offline', async () => {
    const watcher = await watch('@client:dora');
    const markWatcher = await watch('@client:mark');
    const first = await connect(stack.ws(0), { client: 'dora' });
    const mark = await connect(stack.ws(0), { client: 'mark' });
    await seen(watcher, '@client:dora', 2);
    await first.cut();
    await connect(stack.ws(1), { client: 'dora' });
    await mark.cut();
    // Its grace began after that of dora.
    const marked = await seen(markWatcher, '@client:mark', 3);
    expect(marked.at(-1)?.event).toBe('offline');
    expect(states(watcher, '@client:dora')).toEqual([OFFLINE_NEVER_SEEN, ONLINE]);
  });

  test('N-34 a client is online until its last connection on any edge is gone', async () => {
    const watcher = await watch('@client:emil');
    const here = await connect(stack.ws(0), { client: 'emil' });
    const there = await connect(stack.ws(1), { client: 'emil' });
    await here.close();
    const mark = await connect(stack.ws(0), { client: 'mark-2' });
    const markWatcher = await watch('@client:mark-2');
    await mark.close();
    const [, second] = await seen(markWatcher, '@client:mark-2', 2);
    expect(second?.event).toBe('offline');
    expect(states(watcher, '@client:emil')).toEqual([OFFLINE_NEVER_SEEN, ONLINE]);
    await there.close();
    expect((await seen(watcher, '@client:emil', 3)).at(-1)?.event).toBe('offline');
  });

  test.each([
    ['a b', '@client:a~20b'],
    ['50%~\u00fc', '@client:50~25~7E~C3~BC'],
    ['\u{1f600}', '@client:~F0~9F~98~80'],
    ['a:b', '@client:a:b'],
    ['x'.repeat(200), `@client:${'x'.repeat(200)}`],
    ['\u00e9'.repeat(100), `@client:${'~C3~A9'.repeat(100)}`],
  ])('N-34 the presence of %j stands in %s', async (name, channel) => {
    const watcher = await watch(channel);
    await connect(stack.ws(1), { client: name });
    expect(await seen(watcher, channel, 2)).toEqual([OFFLINE_NEVER_SEEN, ONLINE]);
  });

  test.each([
    '@client:',
    '@client:a~2',
    '@client:a~41',
    '@client:~zz',
    '@client:~FF',
    '@client:~00',
  ])('N-14 %s is refused by bad-channel: it is no escaped name', async (channel) => {
    const watcher = await connect(stack.ws());
    const refused = await watcher.request({ type: 'subscribe', channel });
    expect(refused).toMatchObject({ code: 'bad-channel', field: 'channel' });
  });

  test('N-27 nobody publishes there, neither a client nor REST', async () => {
    const client = await connect(stack.ws(), { token: tokenFor('ann', { publish: ['*'] }) });
    const asked = { type: 'publish', channel: '@client:ann', data: {}, event: 'online' };
    expect(await client.request(asked)).toMatchObject({ code: 'forbidden' });
    const posted = await stack.rest.publish('@client:ann', {}, { event: 'online' });
    expect(posted).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});
