import type { Settings } from '@halley/shared/config';
import type { HandshakeOptions } from './adapters/native/handshake.js';
import type { Limits } from './core/services.js';

/** The settings as the core's limits. */
export function limitsOf({ edge, queue, namespaces }: Settings): Limits {
  return {
    channelsPerConnection: edge.maxChannels,
    payloadMaxBytes: namespaces.maxPayloadBytes,
    slowReaderBytes: edge.slowReaderBytes,
    pingIntervalMs: edge.pingIntervalMs,
    channelLingerMs: edge.channelLingerMs,
    queueMs: queue.seconds * 1_000,
  };
}

export function handshakeOptionsOf({ origins, trustClientIds }: Settings): HandshakeOptions {
  return { origins, trustsClientIds: trustClientIds };
}
