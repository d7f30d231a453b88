import { createTokenVerifier, Revocations } from '@halley/shared/auth';
import { DEVELOPMENT_API_KEY, pendingLimitsOf, type Settings } from '@halley/shared/config';
import {
  createLogger,
  inTime,
  type Logger,
  Networks,
  randomBase36,
  VERSION,
} from '@halley/shared/ops';
import { CALM, Publisher } from '@halley/shared/publish';
import {
  type CommandClient,
  createCommandClient,
  parseRedisUrl,
  Scripts,
  ShardSubscriber,
  whenReady,
} from '@halley/shared/redis';
import { TokenAuthorizer } from './access/authorizer.js';
import { Backends } from './access/backend.js';
import { AssetsDoor } from './adapters/assets/adapter.js';
import { DPS_PREFIX, DpsDoor } from './adapters/dps/adapter.js';
import { IcometDoor } from './adapters/icomet/adapter.js';
import { Rooms } from './adapters/icomet/rooms.js';
import { MegacometDoor } from './adapters/megacomet/adapter.js';
import { NativeDoor } from './adapters/native/adapter.js';
import { NativeHttpDoor } from './adapters/native-http/adapter.js';
import type { Site as NativeHttpSite } from './adapters/native-http/site.js';
import { RedisChannelStore } from './broker/channel-store.js';
import { RedisChannelTokens } from './broker/channel-tokens.js';
import { ControlHandler } from './broker/control.js';
import { RedisDemoBackend } from './broker/demo-backend.js';
import { RedisDpsSessions } from './broker/dps-sessions.js';
import { EdgeIdentity } from './broker/edge-identity.js';
import { RedisMemberStore } from './broker/member-store.js';
import { RedisNumberStore } from './broker/number-store.js';
import { Probe } from './broker/probe.js';
import { Pulse } from './broker/pulse.js';
import { RedisQueueClaims } from './broker/queue-claims.js';
import { RedisQueueStore } from './broker/queue-store.js';
import { RevocationFeed } from './broker/revocation-feed.js';
import { type Inbox, route } from './broker/router.js';
import { Upkeep } from './broker/upkeep.js';
import { handshakeOptionsOf, limitsOf, overloadLimitsOf } from './config.js';
import { Deadlines } from './core/deadlines.js';
import { drain } from './core/drain.js';
import { Edge } from './core/edge.js';
import { Followers, JoinedFanout } from './core/followers.js';
import { Overload } from './core/overload.js';
import { systemClock } from './core/ports/clock.js';
import type { Fanout } from './core/ports/connection.js';
import { Presence } from './core/presence.js';
import type { Services } from './core/services.js';
import { startSweep } from './core/sweep.js';
import { EdgeCounters } from './observe/counters.js';
import { registerGauges } from './observe/gauges.js';
import { LoadMeter } from './observe/load.js';
import { OwnLoad } from './observe/own-load.js';
import { AddressReader } from './transport/addresses.js';
import { listenForDoors } from './transport/door-ports.js';
import { TopicFanout } from './transport/fanout.js';
import { serveHealth } from './transport/health.js';
import { serveHttp } from './transport/http.js';
import { listen } from './transport/listener.js';
import { createApp, serveNotFound, servePage } from './transport/pages.js';
import type { TemplatedApp } from './transport/uws.js';
import { serveSockets } from './transport/websockets.js';

const CONNECTION_ID_LENGTH = 12;
/** How long Redis may take over the goodbye of an edge. After it a sweeper cleans up. */
const LET_GO_MS = 5_000;
/** Any channel of the clients' presence: they share their namespace's options. */
const PRESENCE_CHANNEL = '@client:';

export interface RunningEdge {
  readonly port: number;
  readonly adminPort: number;
  /**
   * Drains, takes everything of this edge out of Redis, and resolves when all is closed.
   * @param drainMs how long the clients have; by default as the settings say
   */
  stop(drainMs?: number): Promise<void>;
}

/** Puts an edge together and starts it. The one place that sees every part. */
export async function startEdge(settings: Settings): Promise<RunningEdge> {
  const log = createLogger({ level: settings.logLevel, name: 'edge' });
  for (const warning of settings.warnings) log.warn(warning);
  if (settings.redisUrl === undefined) throw new Error('REDIS_URL is missing');
  const address = parseRedisUrl(settings.redisUrl, settings.redis.ca);
  const redis = createCommandClient(address, settings.redis.timeoutMs);
  redis.on('error', (error: unknown) => log.debug({ err: error }, 'Redis'));
  // An edge that has never reached Redis serves nobody.
  await whenReady(redis);

  const counters = new EdgeCounters(log);
  const identity = new EdgeIdentity();
  const scripts = new Scripts(redis);
  const revocations = new Revocations();
  const app = createApp(settings.tls);
  const followers = new Followers();
  const deadlines = new Deadlines();
  const subscriber = new ShardSubscriber(
    address,
    redis,
    {
      onMessage: (channel, payload) => route(inbox, channel, payload),
      onRestored: (channels) => void upkeep.restored(channels),
      onLost: () => counters.subscriberLost(),
    },
    settings.redis.timeoutMs,
  );
  const backends = backendsOf(settings, log);
  const overload = new Overload(overloadLimitsOf(settings));
  const services = servicesOf(settings, {
    redis,
    scripts,
    subscriber,
    identity,
    revocations,
    counters,
    backends,
    overload,
    fanout: new JoinedFanout([new TopicFanout(app), followers]),
  });
  const edge = new Edge(services);
  const feed = new RevocationFeed(redis, revocations, () => {
    edge.enforceRevocations();
    edge.enforceBans();
  });
  const probe = new Probe(redis, scripts, subscriber, identity);
  const control = new ControlHandler(redis, edge, revocations, identity, counters);
  const inbox = inboxOf(edge, control, probe);
  const upkeep = new Upkeep(redis, subscriber, edge, feed, identity, log);

  await subscriber.start();
  await upkeep.start();
  await feed.start(settings.token.revokedReloadMs);
  probe.start();

  const isReady = () =>
    !edge.isDraining &&
    !overload.isOverloaded &&
    redis.status === 'ready' &&
    subscriber.isReady &&
    probe.isProved;
  const newConnectionId = () => randomBase36(CONNECTION_ID_LENGTH);
  const handshake = handshakeOptionsOf(settings);
  const door = new NativeDoor(edge, handshake, newConnectionId);
  const { slowReaderBytes } = settings.edge;
  const addresses = new AddressReader(new Networks(settings.trustedProxies));
  const connections = { slowReaderBytes, addresses };
  serveSockets(app, door, connections);
  const { pingIntervalMs: heartbeatMs, pollPresenceMs } = settings.edge;
  const site = { edge, followers, deadlines, handshake, heartbeatMs, pollPresenceMs };
  serveHttp(app, new NativeHttpDoor({ ...site, newConnectionId }), connections);
  const icomet = icometDoor(settings, { ...site, newConnectionId }, redis, scripts);
  serveHttp(app, icomet, connections);
  const claims = new RedisQueueClaims(redis, scripts, services.limits.queueMs);
  const megacomet = new MegacometDoor({ edge, claims, handshake, pollPresenceMs, newConnectionId });
  const sessions = new RedisDpsSessions(redis, scripts);
  const dps = new DpsDoor({ ...site, newConnectionId, sessions });
  serveSockets(app, dps.sockets(DPS_PREFIX), connections);
  serveHttp(app, dps.http(DPS_PREFIX), connections);
  serveHttp(app, assetsDoor(settings, redis, scripts), connections);
  serveHealth(app, isReady);
  serveNotFound(app);
  registerGauges(edge, counters, overload);
  const { host } = settings;
  const admin = adminApp(counters, isReady);
  const adminPort = await listen(admin, host, settings.edge.adminPort, 'HALLEY_EDGE_ADMIN_PORT');
  const port = await listen(app, host, settings.edge.port, 'HALLEY_EDGE_PORT');
  const doorPorts = await listenForDoors(
    host,
    [
      {
        setting: 'HALLEY_MEGACOMET_PORT',
        port: settings.edge.megacometPort,
        serve: (doorApp) => serveHttp(doorApp, megacomet, connections),
      },
      {
        setting: 'HALLEY_DPS_PORT',
        port: settings.edge.dpsPort,
        serve(doorApp) {
          serveSockets(doorApp, dps.sockets(''), connections);
          serveHttp(doorApp, dps.http(''), connections);
          serveNotFound(doorApp);
        },
      },
    ],
    settings.tls,
  );
  const pulse = new Pulse(redis, new LoadMeter(edge, counters, overload), identity, {
    url: settings.edge.publicUrl ?? addressOf(settings, port.port, door.path),
    adminUrl: `http://${host}:${adminPort.port}`,
    version: VERSION,
    isDraining: () => edge.isDraining,
    onBuried: () => void upkeep.buried(),
    onForgotten: () => upkeep.forgotten(),
  });
  await pulse.start();
  const stops = [
    startSweep(edge),
    deadlines.start(),
    edge.channels.startHousekeeping(),
    icomet.start(settings.icomet.channelTimeoutSeconds),
  ];
  log.info({ port: port.port, adminPort: adminPort.port, edgeId: identity.id }, 'edge is up');

  return {
    port: port.port,
    adminPort: adminPort.port,
    async stop(drainMs = settings.edge.drainSeconds * 1_000) {
      await drain(edge, {
        graceMs: Math.min(settings.edge.drainGraceMs, drainMs),
        windowMs: drainMs,
        stopListening() {
          for (const one of [port, ...doorPorts]) one.close();
        },
      });
      for (const stop of stops) stop();
      upkeep.stop();
      // An edge that takes its heartbeat with it is never swept: only where nothing is left.
      const isOut = await inTime(
        upkeep.letGo().then(() => pulse.stop()),
        LET_GO_MS,
      ).catch((error: unknown) => {
        log.debug({ err: error }, 'Redis');
        return false;
      });
      if (!isOut) log.warn('Redis may still hold something of this edge; it will be swept');
      probe.stop();
      feed.stop();
      subscriber.stop();
      adminPort.close();
      backends?.close();
      counters.loopDelay.stop();
      redis.disconnect();
    },
  };
}

interface Parts {
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

function servicesOf(settings: Settings, parts: Parts): Services {
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
    presence: new Presence(queues, systemClock, settings.edge.presenceGraceMs),
  };
}

function backendsOf({ namespaces, authorize }: Settings, log: Logger): Backends | null {
  const { secret } = authorize;
  if (!namespaces.asksBackends || secret === undefined) return null;
  return new Backends({ ...authorize, secret }, (reason) =>
    log.debug({ reason }, 'a backend did not answer about a right'),
  );
}

function icometDoor(
  { icomet, namespaces }: Settings,
  site: NativeHttpSite,
  redis: CommandClient,
  scripts: Scripts,
): IcometDoor {
  const { pollingTimeoutSeconds, channelTimeoutSeconds } = icomet;
  return new IcometDoor({
    ...site,
    // iComet speaks up when its countdown is below zero: a second later.
    heartbeatMs: (pollingTimeoutSeconds + 1) * 1_000,
    pollingTimeoutSeconds,
    rooms: new Rooms(icomet),
    numbers: new RedisNumberStore(redis, scripts),
    tokens:
      icomet.auth === 'token' ? new RedisChannelTokens(redis, channelTimeoutSeconds * 1_000) : null,
    bare: icomet.bare,
    isNumbered: (channel) => namespaces.of(channel).icomet,
  });
}

function assetsDoor(settings: Settings, redis: CommandClient, scripts: Scripts): AssetsDoor {
  if (settings.production) return new AssetsDoor(null);
  const { api, apiKeys, queue } = settings;
  const knowsKey = apiKeys.some(({ secret }) => secret === DEVELOPMENT_API_KEY);
  return new AssetsDoor({
    backend: new RedisDemoBackend(
      redis,
      new Publisher(redis, scripts, queue, { pending: pendingLimitsOf(settings), load: CALM }),
    ),
    hints: {
      apiPort: api.port === 0 ? null : api.port,
      key: knowsKey ? DEVELOPMENT_API_KEY : null,
    },
  });
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

/** Where clients reach this edge, unless the operator knows better. */
function addressOf({ tls, host }: Settings, port: number, path: string): string {
  return `${tls === undefined ? 'ws' : 'wss'}://${host}:${port}${path}`;
}

/** An address of this process alone: a scrape of the shared port hits any edge of the machine. */
function adminApp({ metrics }: EdgeCounters, isReady: () => boolean): TemplatedApp {
  const app = createApp();
  serveHealth(app, isReady);
  servePage(app, '/metrics', async () => ({
    status: 200,
    type: metrics.contentType,
    body: await metrics.expose(),
  }));
  serveNotFound(app);
  return app;
}
