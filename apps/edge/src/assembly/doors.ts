/** Every way in: put on the shared app, or made ready for a port of its own. */

import { DEVELOPMENT_API_KEY, pendingLimitsOf, type Settings } from '@halley/shared/config';
import { Networks, randomBase36 } from '@halley/shared/ops';
import { CALM, Publisher } from '@halley/shared/publish';
import type { CommandClient, Scripts } from '@halley/shared/redis';
import { AssetsDoor } from '../adapters/assets/adapter.js';
import { DPS_PREFIX, DpsDoor } from '../adapters/dps/adapter.js';
import { IcometDoor } from '../adapters/icomet/adapter.js';
import { Rooms } from '../adapters/icomet/rooms.js';
import { MegacometDoor } from '../adapters/megacomet/adapter.js';
import { NativeDoor } from '../adapters/native/adapter.js';
import { NativeHttpDoor } from '../adapters/native-http/adapter.js';
import type { Site as NativeHttpSite } from '../adapters/native-http/site.js';
import { RedisChannelTokens } from '../broker/channel-tokens.js';
import { RedisDemoBackend } from '../broker/demo-backend.js';
import { RedisDpsSessions } from '../broker/dps-sessions.js';
import { RedisNumberStore } from '../broker/number-store.js';
import { RedisQueueClaims } from '../broker/queue-claims.js';
import { handshakeOptionsOf } from '../config.js';
import { Deadlines } from '../core/deadlines.js';
import type { Edge } from '../core/edge.js';
import type { Followers } from '../core/followers.js';
import { AddressReader } from '../transport/addresses.js';
import type { DoorPort } from '../transport/door-ports.js';
import { serveHttp } from '../transport/http.js';
import { serveNotFound } from '../transport/pages.js';
import type { TemplatedApp } from '../transport/uws.js';
import { serveSockets } from '../transport/websockets.js';

const CONNECTION_ID_LENGTH = 12;

export interface DoorParts {
  readonly edge: Edge;
  readonly followers: Followers;
  readonly redis: CommandClient;
  readonly scripts: Scripts;
}

export interface Doors {
  /** Of the native WebSocket. */
  readonly path: string;
  /** Those that listen by themselves, too. */
  readonly ports: readonly DoorPort[];
  /** Starts their timers. @returns how to stop them */
  start(): () => void;
}

/** @param app the one of the shared port: whoever calls this adds what is served beside the doors */
export function openDoors(app: TemplatedApp, settings: Settings, parts: DoorParts): Doors {
  const { edge, followers, redis, scripts } = parts;
  const { slowReaderBytes, pingIntervalMs: heartbeatMs, pollPresenceMs } = settings.edge;
  const deadlines = new Deadlines();
  const handshake = handshakeOptionsOf(settings);
  const newConnectionId = () => randomBase36(CONNECTION_ID_LENGTH);
  const addresses = new AddressReader(new Networks(settings.trustedProxies));
  const connections = { slowReaderBytes, addresses };
  const site = {
    edge,
    followers,
    deadlines,
    handshake,
    heartbeatMs,
    pollPresenceMs,
    newConnectionId,
  };
  const native = new NativeDoor(edge, handshake, newConnectionId);
  const icomet = icometDoor(settings, site, redis, scripts);
  const dps = new DpsDoor({ ...site, sessions: new RedisDpsSessions(redis, scripts) });
  const claims = new RedisQueueClaims(redis, scripts, edge.services.limits.queueMs);
  const megacomet = new MegacometDoor({ edge, claims, handshake, pollPresenceMs, newConnectionId });
  serveSockets(app, native, connections);
  serveHttp(app, new NativeHttpDoor(site), connections);
  serveHttp(app, icomet, connections);
  serveSockets(app, dps.sockets(DPS_PREFIX), connections);
  serveHttp(app, dps.http(DPS_PREFIX), connections);
  serveHttp(app, assetsDoor(settings, redis, scripts), connections);
  return {
    path: native.path,
    ports: [
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
    start() {
      const stops = [deadlines.start(), icomet.start(settings.icomet.channelTimeoutSeconds)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
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
