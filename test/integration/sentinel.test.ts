import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { type RedisSentinel, startRedisSentinel } from '../kit/redis-sentinel.js';
import { RestClient } from '../kit/rest.js';

describe('on a Redis that Sentinel knows', () => {
  let sentinel: RedisSentinel;
  let fleet: Fleet;

  beforeAll(async () => {
    sentinel = await startRedisSentinel();
    fleet = await startFleet({ redisUrl: sentinel.url });
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
    await sentinel?.stop();
  });

  test('a message goes from REST to a socket', async () => {
    const client = await connect(fleet.edge().wsUrl, { client: 'ann' });
    await client.subscribe('demo:sentinel');
    const rest = new RestClient(fleet.api().url);
    expect(await rest.publish('demo:sentinel', 1)).toMatchObject({
      status: 201,
      body: { edges: 1 },
    });
    expect(await client.next('message')).toMatchObject({ data: 1 });
    expect(await rest.publishPrivate('ann', 2)).toMatchObject({ status: 201, body: { edges: 1 } });
    expect(await client.next('private')).toMatchObject({ data: 2 });
  });
});
