import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACL_SECRET, asUser, refusals, userLine } from '../kit/acl.js';
import type { Fleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { type RedisSentinel, startRedisSentinel } from '../kit/redis-sentinel.js';
import { RestClient } from '../kit/rest.js';
import { SecureFleets } from '../kit/secure-fleets.js';

describe('on a Redis that Sentinel knows, over TLS and as the user of docs/redis.md', () => {
  let secure: SecureFleets;
  let sentinel: RedisSentinel;
  let fleet: Fleet;

  beforeAll(async () => {
    secure = await SecureFleets.prepare();
    const settings = [userLine()];
    sentinel = await startRedisSentinel({ tls: secure.tls, settings, password: ACL_SECRET });
    fleet = await secure.start({ redisUrl: asUser(sentinel.url) });
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
    await sentinel?.stop();
    await secure?.clear();
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
    expect(await refusals((await sentinel.master()).client)).toEqual(['command config|get']);
  });
});
