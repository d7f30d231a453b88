/** What the core asks for, made of the parts that an edge has. */

import { createTokenVerifier, type Revocations } from '@halley/shared/auth';
import { pendingLimitsOf, type Settings } from '@halley/shared/config';
import type { Logger } from '@halley/shared/ops';
import { Publisher } from '@halley/shared/publish';
import type { CommandClient, Scripts, ShardSubscriber } from '@halley/shared/redis';
import { TokenAuthorizer } from '../access/authorizer.js';
import { Backends } from '../access/backend.js';
import { RedisChannelStore } from '../broker/channel-store.js';
import type { EdgeIdentity } from '../broker/edge-identity.js';
import { RedisMemberStore } from '../broker/member-store.js';
import { RedisQueueStore } from '../broker/queue-store.js';
import { limitsOf } from '../config.js';
import { Outflow } from '../core/outflow.js';
import type { Overload } from '../core/overload.js';
import { systemClock } from '../core/ports/clock.js';
import type { Fanout } from '../core/ports/connection.js';
import { Presence } from '../core/presence.js';
import type { Services } from '../core/services.js';
import type { EdgeCounters } from '../observe/counters.js';
import { OwnLoad } from '../observe/own-load.js';

/** Any channel of the clients' presence: they share their namespace's options. */
const PRESENCE_CHANNEL = '@client:';

export interface Parts {
  readonly redis: CommandClient;
  readonly scripts: Scripts;
  readonly subscriber: ShardSubscriber;
  readonly identity: EdgeIdentity;
  readonly revocations: Revocations;
  readonly counters: EdgeCounters;
  readonly fanout: Fanout;
  readonly backends: Backends | null;
  readonly overload: Overload;
}

export function servicesOf(settings: Settings, parts: Parts): Services {
  const { redis, scripts, subscriber, identity, revocations, counters, fanout, overload } = parts;
  const { namespaces } = settings;
  const limits = limitsOf(settings);
  const presenceHistory = namespaces.of(PRESENCE_CHANNEL);
  const publisher = new Publisher(redis, scripts, settings.queue, {
    pending: pendingLimitsOf(settings),
    load: new OwnLoad(overload),
  });
  const queues = new RedisQueueStore(redis, scripts, identity, limits.queueMs, presenceHistory);
  return {
    get edgeId() {
      return identity.id;
    },
    limits,
    clock: systemClock,
    namespaces,
    authorizer: new TokenAuthorizer(
      createTokenVerifier(settings.token),
      namespaces,
      revocations,
      parts.backends,
    ),
    channels: new RedisChannelStore(
      redis,
      scripts,
      subscriber,
      publisher,
      identity,
      presenceHistory,
    ),
    queues,
    members: new RedisMemberStore(redis, scripts, identity),
    fanout,
    counters,
    outflow: new Outflow(),
    presence: new Presence(queues, systemClock, settings.edge.presenceGraceMs),
  };
}

export function backendsOf({ namespaces, authorize }: Settings, log: Logger): Backends | null {
  const { secret } = authorize;
  if (!namespaces.asksBackends || secret === undefined) return null;
  return new Backends({ ...authorize, secret }, (reason) =>
    log.debug({ reason }, 'a backend did not answer about a right'),
  );
}
