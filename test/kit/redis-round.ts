/** One round through all that a fleet asks of Redis, in steps that fail by themselves. */

import { randomBytes } from 'node:crypto';
import { channelKeys, channelsKey, joinedKey, partitionOfChannel } from '@halley/shared/redis';
import { expect } from 'vitest';
import { DpsPort } from './dps-client.js';
import type { Fleet } from './fleet.js';
import { ask } from './icomet-backend.js';
import { openMegacomet, requestOf } from './megacomet-client.js';
import { connect } from './native-client.js';
import { getText, rawRequest } from './raw-http.js';
import type { TestRedis } from './redis.js';
import type { RestClient } from './rest.js';
import { whileDeaf } from './streams.js';
import { tokenFor } from './use-fleet.js';
import { eventually, within } from './wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone' } as const;
const FUTURE_MS = 60_000;

/** Whom the edge that a step kills leaves behind, and where. */
export const DEAD_CHANNEL = 'room:dead';
export const DEAD_MEMBER = 'member of the dead';

/** What the namespaces of the round are. */
export const ROUND_CONFIG = {
  namespaces: {
    open: OPEN,
    bare: { ...OPEN, historySize: 0 },
    ic: { ...OPEN, icomet: true },
    room: { ...OPEN, presence: 'anyone', members: true, leaveDelayMs: 0 },
  },
};
/** What is let go is let go at once. */
export const ROUND_EDGE_ENV = { HALLEY_CHANNEL_LINGER_MS: '0', HALLEY_PRESENCE_GRACE_MS: '0' };

export interface RoundFleet {
  readonly fleet: Fleet;
  readonly rest: RestClient;
  /** As a user that may do all. */
  readonly redis: TestRedis;
  /** Of MegaComet's clients at edge 0. */
  readonly megacometPort: number;
}

export type Step = (at: RoundFleet) => Promise<void>;

function fresh(namespace: string): string {
  return `${namespace}:${randomBytes(6).toString('hex')}`;
}

async function expectStatus(answer: Promise<{ status: number }>, status: number): Promise<void> {
  expect((await answer).status).toBe(status);
}

async function subscriber({ fleet }: RoundFleet, channel: string, client?: string) {
  const connection = await connect(fleet.edge().wsUrl, client === undefined ? {} : { client });
  await connection.subscribe(channel);
  return connection;
}

const path = (channel: string) => `/channels/${encodeURIComponent(channel)}`;

export const STEPS = {
  async 'publish to a channel'(at) {
    const channel = fresh('open');
    await expectStatus(at.rest.publish(channel, 1, { key: 'k' }), 201);
    await expectStatus(at.rest.publish(channel, 1, { key: 'k' }), 200);
  },

  async 'publish without history'(at) {
    await expectStatus(at.rest.publish(fresh('bare'), 1), 201);
  },

  async 'publish after a step of the clock'(at) {
    const channel = fresh('open');
    await at.redis.client.set(channelKeys(channel).top, `${Date.now() + FUTURE_MS}-0.abcd`);
    await expectStatus(at.rest.publish(channel, 1), 201);
  },

  async 'publish after SCRIPT FLUSH'(at) {
    await at.redis.client.script('FLUSH');
    await expectStatus(at.rest.publish(fresh('open'), 1), 201);
  },

  async 'subscribe, receive and leave'(at) {
    const channel = fresh('open');
    const client = await subscriber(at, channel);
    await expectStatus(at.rest.publish(channel, 1), 201);
    await client.waitForMessages(channel, 1);
    await client.close();
    const { live, subscribers } = channelKeys(channel);
    await eventually(async () => {
      const [, count] = (await at.redis.client.call('PUBSUB', 'SHARDNUMSUB', live)) as unknown[];
      return count === 0;
    }, `${channel} is let go`);
    const isEmpty = async () => (await at.redis.client.exists(subscribers)) === 0;
    await eventually(isEmpty, `${channel} has no listeners`);
    const list = channelsKey(partitionOfChannel(channel));
    const isGone = async () => (await at.redis.client.zscore(list, channel)) === null;
    await eventually(isGone, `${channel} is not listed`);
  },

  async resume(at) {
    const channel = fresh('open');
    const { body } = await at.rest.publish(channel, 1);
    await expectStatus(at.rest.publish(channel, 2), 201);
    const client = await connect(at.fleet.edge().wsUrl);
    const { id } = body as { id: string };
    expect(await client.subscribe(channel, { after: id })).toMatchObject({ recovered: true });
    await client.waitForMessages(channel, 1);
  },

  async 'repair after a lost connection'(at) {
    const channel = fresh('open');
    const client = await subscriber(at, channel);
    await whileDeaf(at.redis, at.fleet.edge(), () => at.rest.publish(channel, 1));
    await client.waitForMessages(channel, 1);
  },

  async 'read and clear a history'(at) {
    const channel = fresh('open');
    await expectStatus(at.rest.publish(channel, 1), 201);
    await expectStatus(at.rest.get(`${path(channel)}/messages`), 200);
    await expectStatus(at.rest.get(`${path(channel)}/messages?after=0-0`), 200);
    await expectStatus(at.rest.delete(`${path(channel)}/messages`), 200);
  },

  async 'list channels'(at) {
    const channel = fresh('room');
    await subscriber(at, channel, fresh('c'));
    await expectStatus(at.rest.get('/channels'), 200);
    await expectStatus(at.rest.get(path(channel)), 200);
  },

  async 'private messages'(at) {
    const id = fresh('c');
    await expectStatus(at.rest.publishPrivate(id, 1, { key: 'k' }), 201);
    const client = await connect(at.fleet.edge().wsUrl, { client: id });
    const first = await client.next('private');
    await expectStatus(at.rest.publishPrivate(id, 2), 201);
    await client.next('private', ({ data }) => data === 2);
    client.send({ type: 'ack', id: first.id });
    await eventually(async () => {
      const { body } = await at.rest.get(`/clients/${encodeURIComponent(id)}/queue`);
      return (body as { acked?: string | null }).acked === first.id;
    }, 'the acknowledgement is stored');
  },

  async presence(at) {
    const id = fresh('c');
    const channel = `@client:${id}`;
    const token = tokenFor('watcher', { subscribe: [channel] });
    const watcher = await connect(at.fleet.edge().wsUrl, { token });
    await watcher.subscribe(channel);
    const client = await connect(at.fleet.edge().wsUrl, { client: id });
    await watcher.next('message', ({ event }) => event === 'online');
    await client.close();
    await watcher.next('message', ({ event }) => event === 'offline');
    await expectStatus(at.rest.get(`/clients?ids=${encodeURIComponent(id)}`), 200);
    await expectStatus(at.rest.get(`/clients/${encodeURIComponent(id)}`), 200);
  },

  async members(at) {
    const channel = fresh('room');
    const [here, gone] = [
      await subscriber(at, channel, 'ann'),
      await subscriber(at, channel, 'bob'),
    ];
    await gone.close();
    await eventually(async () => {
      const { status, body } = await at.rest.get(`${path(channel)}/members`);
      return status === 200 && (body as { count: number }).count === 1;
    }, 'bob is gone');
    await here.close();
    const { body } = await at.rest.get('/edges');
    for (const { edgeId } of (body as { edges: { edgeId: string }[] }).edges) {
      const joined = joinedKey(partitionOfChannel(channel), edgeId);
      const isOut = async () => (await at.redis.client.sismember(joined, channel)) === 0;
      await eventually(isOut, `no member of ${channel} is left`);
    }
  },

  async kick(at) {
    const channel = fresh('room');
    const client = await subscriber(at, channel, 'ann');
    await expectStatus(at.rest.delete(`${path(channel)}/members/ann`), 200);
    await client.next('unsubscribed');
  },

  async 'revoke and disconnect'(at) {
    const id = fresh('c');
    const edge = at.fleet.edge().wsUrl;
    const revoked = await connect(edge, { token: tokenFor(id) });
    await expectStatus(at.rest.post(`/clients/${encodeURIComponent(id)}/revoke`, {}), 200);
    await within(revoked.closed, 'its token is revoked');
    const other = fresh('c');
    const client = await connect(edge, { client: other });
    await expectStatus(at.rest.post(`/clients/${encodeURIComponent(other)}/disconnect`, {}), 200);
    await within(client.closed, 'it is disconnected');
  },

  async 'state of the fleet'({ rest }) {
    await expectStatus(rest.get('/edges'), 200);
    await expectStatus(rest.get('/stats'), 200);
    await expectStatus(rest.get('/readyz'), 200);
  },

  async "iComet's doors"(at) {
    const cname = fresh('ic');
    const api = async (call: string) => {
      const { statusLine, body } = await ask(at.fleet.api().port, `/icomet/${call}cname=${cname}`);
      expect(statusLine).toBe('HTTP/1.1 200 OK');
      return body;
    };
    const { token } = JSON.parse(await api('sign?')) as { token: string };
    await api('push?content=x&');
    const poll = getText(`/icomet/poll?cname=${cname}&seq=1&token=${token}`);
    expect((await rawRequest(at.fleet.edge().port, poll)).body).toContain('"x"');
    await api('info?');
    await api('clear?');
    await api('close?');
  },

  async "DPS' door"(at) {
    const dps = new DpsPort(at.fleet.edge().port);
    const channel = fresh('open');
    const session = randomBytes(6).toString('hex');
    await expectStatus(at.rest.publish(channel, 1), 201);
    expect((await dps.batch({ channels: channel, session })).messages).toEqual([1]);
    expect((await dps.push({ channel }, '2')).body).toBe('true\n');
    const next = await dps.batch({ channels: channel, session, seq: 1 });
    expect(next.messages).toEqual([2]);
  },

  async "MegaComet's door"(at) {
    const id = randomBytes(6).toString('hex');
    await expectStatus(at.rest.publishPrivate(id, 'hello'), 201);
    const client = await openMegacomet(at.megacometPort, requestOf(`/${id}.js`));
    expect(await client.message()).toBe('hello');
  },

  async 'start of an edge'({ fleet }) {
    const edge = await fleet.addEdge();
    const client = await connect(edge.wsUrl, { client: DEAD_MEMBER });
    await client.subscribe(DEAD_CHANNEL);
    await edge.kill();
  },
} satisfies Record<string, Step>;

export type StepName = keyof typeof STEPS;
