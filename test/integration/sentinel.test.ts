import { channelKeys, clientKeys } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { httpUrl, openPush, poll } from '../kit/http-wires.js';
import { connect } from '../kit/native-client.js';
import { type RedisSentinel, startRedisSentinel } from '../kit/redis-sentinel.js';
import { RestClient } from '../kit/rest.js';
import { counterOf, numbers, OPEN, publishAll, resume } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const CONFIG = {
  namespaces: { plain: { ...OPEN, historySize: 100 }, room: { ...OPEN, members: true } },
};
const BACK_MS = 30_000;
const TEST_DEADLINE_MS = 60_000;

describe('on a Redis that Sentinel knows', () => {
  let sentinel: RedisSentinel;
  let fleet: Fleet;
  let rest: RestClient;

  beforeAll(async () => {
    sentinel = await startRedisSentinel();
    fleet = await startFleet({ redisUrl: sentinel.url, config: CONFIG });
    rest = new RestClient(fleet.api().url);
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
    await sentinel?.stop();
  });

  /** Publishes until Redis takes it. @returns the position, and ms since the call */
  async function publishWhenBack(data: unknown): Promise<{ id: string; awayMs: number }> {
    const startedAt = performance.now();
    const id = await eventually(
      async () => {
        const { status, body } = await rest.publish(channel, data);
        return status === 201 ? (body as { id: string }).id : null;
      },
      'publishes are taken again',
      BACK_MS,
    );
    return { id, awayMs: Math.round(performance.now() - startedAt) };
  }

  async function isOnline(clientId: string): Promise<boolean> {
    const { body } = await rest.get(`/clients?ids=${clientId}`);
    const { clients } = body as { clients: readonly { online: boolean }[] };
    return clients[0]?.online === true;
  }

  async function membersOf(channel: string): Promise<string[]> {
    const { body } = await rest.get(`/channels/${channel}/members`);
    return (body as { members: { clientId: string }[] }).members.map(({ clientId }) => clientId);
  }

  const channel = 'plain:lagging';
  const room = 'room:lagging';

  test(
    'a replica that lags takes over: what it lacks is told as lost, on every wire, and never proved whole',
    async () => {
      const { wsUrl } = fleet.edge();
      const socket = await connect(wsUrl, { client: 'ann' });
      await socket.subscribe(channel);
      const events = await openPush(httpUrl(wsUrl, '/v1/sse', { channel }));
      const kept = await publishAll(rest, { channel }, numbers(0, 5));
      const keptPrivate = await publishAll(rest, { client: 'ann' }, numbers(0, 5));
      await socket.waitForMessages(channel, 5);
      const leaver = await connect(wsUrl, { client: 'bob' });
      await leaver.subscribe(room);
      expect(await isOnline('bob')).toBe(true);
      expect(await membersOf(room)).toContain('bob');
      await sentinel.lag();
      await leaver.request({ type: 'unsubscribe', channel: room });
      await leaver.close();
      await eventually(async () => !(await isOnline('bob')), 'bob is offline');
      await eventually(async () => !(await membersOf(room)).includes('bob'), 'bob is no member');
      const lost = await publishAll(rest, { channel }, numbers(5, 8));
      const lostPrivate = await publishAll(rest, { client: 'ann' }, numbers(5, 8));
      await socket.waitForMessages(channel, 8);
      await socket.next('private', ({ id }) => id === lostPrivate[2]);
      await events.until(() => events.messages(channel).length === 8, 'all by SSE');
      const polled = await poll(httpUrl(wsUrl, '/v1/poll', { channel, after: kept[4] }));

      const master = await sentinel.failOver();
      // Who was told of the loss is not told again with each poll, however quiet it stays.
      const told = await socket.next('gap', (frame) => frame.channel === channel, BACK_MS);
      const quiet = await resume(fleet.edge(), channel, { after: told.position });
      expect(quiet.answer.recovered).toBe(true);
      const { id: written, awayMs } = await publishWhenBack(9);
      process.stdout.write(`Sentinel: published again ${awayMs} ms after the replica took over\n`);

      const isIt = ({ id }: { readonly id: string }) => id === written;
      expect(await socket.next('gap', (frame) => frame.channel === channel, BACK_MS)).toMatchObject(
        {
          position: kept[4],
        },
      );
      await socket.next('message', isIt);
      await events.next('gap');
      await events.next('message', isIt);
      const { cut } = channelKeys(channel);
      expect(await eventually(() => master.client.get(cut), 'the cut')).toBe(kept[4]);
      expect(await counterOf(fleet.edge(), 'halley_log_rollbacks_total')).toBeGreaterThan(0);

      for (const after of [kept[1], kept[4], lost[0], lost[2]]) {
        const { answer } = await resume(fleet.edge(), channel, { after });
        expect(answer.recovered).toBe(false);
      }
      const { answer } = await resume(fleet.edge(), channel, { after: written });
      expect(answer).toMatchObject({ recovered: true });
      const again = await poll(httpUrl(wsUrl, '/v1/poll', { channel, cursor: polled.cursor }));
      expect(JSON.stringify(again.frames)).toContain(written);

      // The replica had not heard that he left.
      await eventually(async () => !(await isOnline('bob')), 'bob stays offline', BACK_MS);
      const isOut = async () => !(await membersOf(room)).includes('bob');
      await eventually(isOut, 'bob is no member again', BACK_MS);

      // The queue: the client saw more than it holds, and gets all of it.
      await socket.next('gap', (frame) => frame.channel === undefined, BACK_MS);
      await socket.close();
      const back = await connect(wsUrl, { client: 'ann', queueAfter: lostPrivate[2] ?? '' });
      expect(await back.welcomed()).toMatchObject({ queue: { recovered: false } });
      await back.next('private', ({ id }) => id === keptPrivate[4]);
      expect(back.of('private').map(({ id }) => id)).toEqual(keptPrivate);
      const { queueTop } = clientKeys('ann');
      expect(await master.client.get(queueTop)).toBe(keptPrivate[4]);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'a master that hangs is left for the one that took over',
    async () => {
      await sentinel.whole();
      const client = await connect(fleet.edge().wsUrl, { client: 'eve' });
      await client.subscribe(channel);
      const hungAt = performance.now();
      await sentinel.failOver('pause');
      const { id } = await publishWhenBack('after the hang');
      await client.next('message', (frame) => frame.id === id, BACK_MS);
      const awayMs = Math.round(performance.now() - hungAt);
      process.stdout.write(`Sentinel: delivered ${awayMs} ms after the master hung\n`);
      expect((await rest.publishPrivate('eve', 2)).status).toBe(201);
      expect(await client.next('private', undefined, BACK_MS)).toMatchObject({ data: 2 });
    },
    TEST_DEADLINE_MS,
  );
});
