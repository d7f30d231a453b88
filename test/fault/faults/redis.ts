/** Faults of a single Redis and of the way to it. */

import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../kit/native-client.js';
import type { ClientState } from '../../kit/presence.js';
import type { FaultyRedis } from '../../kit/redis.js';
import { RestClient } from '../../kit/rest.js';
import { publishAll } from '../../kit/streams.js';
import { eventually } from '../../kit/wait.js';
import type { RedisLink } from '../redis-link.js';
import type { Fault, World } from '../world.js';
import { running } from './fleet.js';

const SLOW_MS = 200;
const LAG_MS = 1_000;
const FOUND_DEADLINE_MS = 30_000;
/** More than a reply's first buffer of 16 KiB, which does not count. */
const BURST_MESSAGES = 100;
const BURST_BYTES = 2_000;
const PUBSUB_LIMIT = 'client-output-buffer-limit';

export interface RedisFaultOptions {
  readonly redis: FaultyRedis;
  readonly link: RedisLink;
  /** Of what lasts. */
  readonly lengthMs: number;
}

export function redisFaults({ redis, link, lengthMs }: RedisFaultOptions): Fault[] {
  return [
    { name: 'redis killed', inject: () => redis.restart() },
    { name: 'redis killed without its data', inject: () => redis.restart({ data: 'lost' }) },
    {
      // As by a failover to a replica that lagged.
      name: 'redis killed without its last writes',
      inject: async () => {
        await redis.backup();
        await pause(LAG_MS);
        await redis.restart({ data: 'older' });
      },
    },
    {
      name: 'redis stopped',
      inject: async () => {
        await redis.pause();
        await pause(lengthMs);
        await redis.resume();
      },
    },
    {
      name: 'redis cut off',
      inject: async () => {
        link.cut();
        await pause(lengthMs);
        link.heal();
      },
    },
    {
      name: 'redis slow',
      inject: async () => {
        link.slowDown(SLOW_MS);
        await pause(lengthMs);
        link.heal();
      },
    },
    {
      name: 'redis out of memory',
      inject: async () => {
        await redis.client.config('SET', 'maxmemory', '1mb');
        await pause(lengthMs);
        await redis.client.config('SET', 'maxmemory', '0');
      },
    },
    { name: 'output buffer overrun', inject: (world) => overrun(redis, world) },
    {
      name: 'deaf subscriber connections',
      inject: async () => {
        link.deafen('edge');
        await eventually(() => link.deaf('edge') === 0, 'the edges find it', FOUND_DEADLINE_MS);
      },
    },
    { name: 'deaf api connections', inject: (world) => deafenApis(link, world) },
  ];
}

/** An api finds it by a question that no edge answers. */
async function deafenApis(link: RedisLink, { fleet }: World): Promise<void> {
  const [edge] = running(fleet.edges);
  const client = await connect(edge?.wsUrl ?? '', { client: 'asked-about' });
  const apis = running(fleet.apis).map(({ url }) => new RestClient(url));
  try {
    link.deafen('api');
    await Promise.all(
      apis.map((rest) => {
        const isAnswered = async () => {
          const { body } = await rest.get('/clients/asked-about');
          return (body as ClientState).connections.length === 1;
        };
        return eventually(isAnswered, 'the api hears the edge', FOUND_DEADLINE_MS);
      }),
    );
  } finally {
    await client.cut();
    await Promise.all(apis.map((rest) => rest.close()));
  }
}

/** Redis cuts subscribers that read too slowly: here everybody does who does not read at once. */
async function overrun(redis: FaultyRedis, { fleet }: World): Promise<void> {
  const channel = 'plain:burst';
  const clients = await Promise.all(running(fleet.edges).map(({ wsUrl }) => connect(wsUrl)));
  const [api] = running(fleet.apis);
  const rest = new RestClient(api?.url ?? '');
  const before = await subscribersOf(redis);
  try {
    // An edge may still be coming back from the fault before.
    for (const client of clients) {
      const isHeld = () => client.subscribe(channel).then(isDone, isNot);
      await eventually(isHeld, 'the edge holds the channel');
    }
    await redis.client.config('SET', PUBSUB_LIMIT, 'pubsub 32kb 32kb 1');
    const burst = Array.from({ length: BURST_MESSAGES }, () => 'x'.repeat(BURST_BYTES));
    await eventually(
      () => publishAll(rest, { channel }, burst).then(isDone, isNot),
      'the burst is taken',
    );
    await eventually(async () => {
      const now = await subscribersOf(redis);
      return before.filter((id) => !now.includes(id)).length >= clients.length;
    }, 'Redis has cut the edges');
  } finally {
    await redis.client.config('SET', PUBSUB_LIMIT, 'pubsub 256mb 64mb 60');
    await rest.close();
    await Promise.all(clients.map((client) => client.cut()));
  }
}

const isDone = () => true;
const isNot = () => false;

async function subscribersOf(redis: FaultyRedis): Promise<string[]> {
  const list = String(await redis.client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return [...list.matchAll(/^id=(\d+) /gm)].map(([, id]) => String(id));
}
