import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';

describe('a message from REST to a socket', () => {
  let redis: TestRedis;
  let fleet: Fleet;
  let rest: RestClient;

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1 });
    rest = new RestClient(fleet.api().url);
  });

  afterAll(async () => {
    await fleet?.stop();
    await redis?.stop();
  });

  test('reaches one that was opened before, and from history one opened after', async () => {
    const early = await connect(fleet.edge(0).wsUrl);
    await early.subscribe('demo:hello');
    const posted = await rest.publish('demo:hello', { hi: 1 });
    expect(posted.status).toBe(201);
    expect(posted.body).toEqual({ id: expect.stringMatching(/^\d+-\d+\.[0-9a-z]{4}$/), edges: 1 });
    const live = await early.next('message');
    expect(live).toEqual({
      type: 'message',
      channel: 'demo:hello',
      id: field(posted, 'id'),
      data: { hi: 1 },
    });

    const late = await connect(fleet.edge(1).wsUrl);
    const answer = await late.subscribe('demo:hello', { last: 10 });
    expect(answer).toMatchObject({ position: field(posted, 'id'), replayed: 1 });
    expect(await late.next('message')).toEqual(live);
  });
});
