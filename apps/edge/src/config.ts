import type { Settings } from '@halley/shared/config';

/** The settings as the limits of the core (`core/services`). */
export function limitsOf({ edge, queue, namespaces, authorize, limits }: Settings) {
  return {
    channelsPerConnection: edge.maxChannels,
    payloadMaxBytes: namespaces.maxPayloadBytes,
    slowReaderBytes: edge.slowReaderBytes,
    replayAheadBytes: edge.slowReaderBytes / 4,
    pingIntervalMs: edge.pingIntervalMs,
    channelLingerMs: edge.channelLingerMs,
    authorizeGraceMs: authorize.graceMs,
    queueMs: queue.seconds * 1_000,
    admission: {
      connections: limits.edgeConnections,
      connectionsPerClient: limits.clientConnections,
      connectionsPerAddress: limits.addressConnections,
    },
    channels: limits.edgeChannels,
    rates: {
      ...limits.rates,
      refusals: { perSecond: limits.cutRefusals, burst: limits.cutRefusals },
    },
  };
}

/** The settings as the limits of `core/overload`. */
export function overloadLimitsOf({ limits }: Settings) {
  return { lagMs: limits.overloadLagMs, backpressureBytes: limits.overloadBackpressureBytes };
}

/** The settings as the options of the native wire's handshake. */
export function handshakeOptionsOf(settings: Settings) {
  const { origins, trustClientIds, tokenCookie, namespaces } = settings;
  return {
    origins,
    trustsClientIds: trustClientIds,
    tokenCookie: tokenCookie ?? null,
    keepsVisitors: namespaces.asksBackends,
  };
}
