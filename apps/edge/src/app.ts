import { createTokenVerifier, Revocations } from '@halley/shared/auth';
import type { Settings } from '@halley/shared/config';
import { createLogger, type Logger, randomBase36 } from '@halley/shared/ops';
import { Publisher } from '@halley/shared/publish';
import {
  ALL_EDGES_CHANNEL,
  channelKeys,
  type CommandClient,
  createCommandClient,
  edgeChannel,
  PARTITION_COUNT,
  parseRedisUrl,
  removeHeartbeat,
  Scripts,
  ShardSubscriber,
} from '@halley/shared/redis';
import { TokenAuthorizer } from './access/authorizer.js';
import { NativeDoor } from './adapters/native/adapter.js';
import { RedisChannelStore } from './broker/channel-store.js';
import { ControlHandler } from './broker/control.js';
import { EdgeIdentity } from './broker/edge-identity.js';
import { Pulse } from './broker/pulse.js';
import { RedisMemberStore } from './broker/member-store.js';
import { Probe } from './broker/probe.js';
import { RedisQueueStore } from './broker/queue-store.js';
import { readTops } from './broker/repair.js';
import { RevocationFeed } from './broker/revocation-feed.js';
import { type Inbox, route } from './broker/router.js';
import { handshakeOptionsOf, limitsOf } from './config.js';
import { drain } from './core/drain.js';
import { Edge } from './core/edge.js';
import { systemClock } from './core/ports/clock.js';
import { Presence } from './core/presence.js';
import type { Services } from './core/services.js';
import { startSweep } from './core/sweep.js';
import { EdgeCounters } from './observe/counters.js';
import { LoadMeter } from './observe/load.js';
import { TopicFanout } from './transport/fanout.js';
import { listen } from './transport/listener.js';
import { createApp, serveNotFound, servePage } from './transport/pages.js';
import { serveSockets } from './transport/websockets.js';

const CONNECTION_ID_LENGTH = 12;
const REASSERT_INTERVAL_MS = 3_600_000;
const VERSION = '0.1.0';

export interface RunningEdge {
  readonly port: number;
  readonly adminPort: number;
  /** Drains, lets go of everything in Redis, and resolves when all is closed. */
  stop(): Promise<void>;
}

/** Puts an edge together and starts it. The one place that sees every part. */
export async function startEdge(settings: Settings): Promise<RunningEdge> {
  const log = createLogger({ level: settings.logLevel, name: 'edge' });
  for (const warning of settings.warnings) log.warn(warning);
  const address = parseRedisUrl(requireRedisUrl(settings));
  const redis = createCommandClient(address, settings.redis.timeoutMs);
  redis.on('error', (error: unknown) => log.debug({ err: error }, 'Redis'));
  await connected(redis);

  const counters = new EdgeCounters(log);
  const identity = new EdgeIdentity();
  const scripts = new Scripts(redis);
  const publisher = new Publisher(redis, scripts, settings.queue);
  const revocations = new Revocations();
  const app = createApp();
  const wiring: { inbox?: Inbox; restored?: (channels: readonly string[]) => void } = {};
  const subscriber = new ShardSubscriber(address, redis, {
    onMessage: (channel, payload) => {
      if (wiring.inbox !== undefined) route(wiring.inbox, channel, payload);
    },
    onRestored: (channels) => wiring.restored?.(channels),
    onLost: () => counters.subscriberLost(),
  });

  const presenceHistory = settings.namespaces.of('@client:');
  const queues = new RedisQueueStore(
    redis,
    scripts,
    identity,
    settings.queue.seconds * 1_000,
    presenceHistory,
  );
  const verifier = createTokenVerifier(settings.token);
  const services: Services = {
    get edgeId() {
      return identity.id;
    },
    limits: limitsOf(settings),
    clock: systemClock,
    namespaces: settings.namespaces,
    authorizer: new TokenAuthorizer(verifier, settings.namespaces, revocations),
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
    fanout: new TopicFanout(app),
    counters,
    presence: new Presence(queues, systemClock, settings.edge.presenceGraceMs),
  };
  const edge = new Edge(services);

  const probe = new Probe(redis, scripts, subscriber, identity, () => counters.subscriberLost());
  const feed = new RevocationFeed(redis, revocations, () => edge.enforceRevocations());
  const control = new ControlHandler(redis, edge, revocations, identity, counters);
  wiring.inbox = inboxOf(edge, control, probe);
  wiring.restored = (channels) => void repair(redis, edge, feed, channels, log);

  await subscriber.start();
  await subscriber.subscribe([...ownChannels(identity.id), ALL_EDGES_CHANNEL]);
  await feed.start(settings.token.revokedReloadMs);
  probe.start();

  serveSockets(
    app,
    new NativeDoor(edge, handshakeOptionsOf(settings), () => randomBase36(CONNECTION_ID_LENGTH)),
    settings.edge.slowReaderBytes,
  );
  const isReady = () =>
    !edge.isDraining && redis.status === 'ready' && subscriber.isReady && probe.isProved;
  serveHealth(app, isReady);
  serveNotFound(app);
  const admin = createApp();
  serveHealth(admin, isReady);
  servePage(admin, '/metrics', async () => ({
    status: 200,
    type: counters.metrics.contentType,
    body: await counters.metrics.expose(),
  }));
  serveNotFound(admin);
  registerGauges(edge, counters);

  const { host } = settings;
  const adminPort = await listen(admin, host, settings.edge.adminPort);
  const port = await listen(app, host, settings.edge.port);
  const pulse = new Pulse(redis, new LoadMeter(edge, counters), identity, {
    url: settings.edge.publicUrl ?? `ws://${host}:${port.port}/v1/ws`,
    adminUrl: `http://${host}:${adminPort.port}`,
    version: VERSION,
    isDraining: () => edge.isDraining,
    onBuried: () => void rise(edge, subscriber, identity, log),
  });
  await pulse.start();

  const stops = [
    startSweep(edge),
    edge.channels.startHousekeeping(),
    reassertWhenBack(redis, edge),
  ];
  log.info({ port: port.port, adminPort: adminPort.port, edgeId: identity.id }, 'edge is up');

  return {
    port: port.port,
    adminPort: adminPort.port,
    async stop() {
      await drain(edge, {
        graceMs: settings.edge.drainGraceMs,
        windowMs: settings.edge.drainSeconds * 1_000,
        stopListening: () => port.close(),
      });
      for (const stop of stops) stop();
      await letGo(edge, redis, identity.id, pulse).catch((error: unknown) =>
        log.warn({ err: error }, 'not everything could be taken out of Redis'),
      );
      probe.stop();
      feed.stop();
      subscriber.stop();
      adminPort.close();
      counters.loopDelay.stop();
      redis.disconnect();
    },
  };
}

function inboxOf(edge: Edge, control: ControlHandler, probe: Probe): Inbox {
  return {
    channelMessage: (channel, message) => edge.channels.onLive(channel, message),
    channelEvent: (channel, frame) => edge.services.fanout.relay(channel, frame),
    channelCleared: (channel) => edge.channels.get(channel)?.forget(),
    privateMessage: (clientId, message) => edge.clients.onPrivate(clientId, message),
    control: (message) => control.handle(message),
    probe: (nonce) => probe.answered(nonce),
  };
}

/** After a subscriber was deaf: revocations first, then queues, then channels. */
async function repair(
  redis: CommandClient,
  edge: Edge,
  feed: RevocationFeed,
  restored: readonly string[],
  log: Logger,
): Promise<void> {
  try {
    await feed.reload();
    edge.clients.reassert(() => true);
    const deaf = new Set(restored);
    const names = [...edge.channels.values()]
      .filter((channel) => deaf.has(channelKeys(channel.name).live))
      .map((channel) => channel.name);
    edge.channels.repair(await readTops(redis, names));
  } catch (error) {
    log.warn({ err: error }, 'the repair failed and is tried again');
    setTimeout(() => void repair(redis, edge, feed, restored, log), 1_000).unref();
  }
}

/** Swept while it lived: the old id stays dead, and everything is registered under a new one. */
async function rise(
  edge: Edge,
  subscriber: ShardSubscriber,
  identity: EdgeIdentity,
  log: Logger,
): Promise<void> {
  const buried = identity.id;
  identity.renew();
  log.warn({ buried, edgeId: identity.id }, 'this edge was declared dead and takes a new id');
  await subscriber.subscribe(ownChannels(identity.id));
  edge.clients.reassert(() => true);
  edge.members.reassert();
  edge.channels.reassert();
  subscriber.unsubscribe(ownChannels(buried));
}

/** Presence is registered again after the command connection was lost, and once an hour. */
function reassertWhenBack(redis: CommandClient, edge: Edge): () => void {
  const again = () => {
    edge.clients.reassert(() => true);
    edge.members.reassert();
    edge.channels.reassert();
  };
  redis.on('ready', again);
  const timer = setInterval(again, REASSERT_INTERVAL_MS).unref();
  return () => {
    clearInterval(timer);
    redis.off('ready', again);
  };
}

async function letGo(
  edge: Edge,
  redis: CommandClient,
  edgeId: string,
  pulse: Pulse,
): Promise<void> {
  pulse.stop();
  await edge.members.flush();
  await edge.services.presence.flush();
  await edge.channels.closeAll();
  await removeHeartbeat(redis, edgeId);
}

function ownChannels(edgeId: string): string[] {
  return Array.from({ length: PARTITION_COUNT }, (_, partition) => edgeChannel(partition, edgeId));
}

function serveHealth(app: ReturnType<typeof createApp>, isReady: () => boolean): void {
  servePage(app, '/healthz', () => ({ status: 200, type: 'text/plain', body: 'ok\n' }));
  servePage(app, '/readyz', () =>
    isReady()
      ? { status: 200, type: 'text/plain', body: 'ready\n' }
      : { status: 503, type: 'text/plain', body: 'not ready\n' },
  );
}

function registerGauges(edge: Edge, { metrics }: EdgeCounters): void {
  metrics.gauge({
    name: 'halley_connections',
    help: 'Open connections',
    collect() {
      this.set(edge.sessions.size);
    },
  });
  metrics.gauge({
    name: 'halley_clients',
    help: 'Named clients with a connection here',
    collect() {
      this.set(edge.clients.size);
    },
  });
  metrics.gauge({
    name: 'halley_channels',
    help: 'Channels that this edge is subscribed to',
    collect() {
      this.set(edge.channels.size);
    },
  });
}

function requireRedisUrl({ redisUrl }: Settings): string {
  if (redisUrl === undefined) throw new Error('REDIS_URL is missing');
  return redisUrl;
}

/** The first connection: an edge that has never reached Redis serves nobody. */
function connected(redis: CommandClient): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => redis.once('ready', () => resolve()));
}
