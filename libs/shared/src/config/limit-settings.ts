import type { Environment } from './environment.js';

/** A token bucket. */
export interface Rate {
  /** 0: no limit. */
  readonly perSecond: number;
  /** What may come at once. */
  readonly burst: number;
}

export interface LimitSettings {
  /** All per edge. */
  readonly edgeConnections: number;
  readonly clientConnections: number;
  /** 0: no limit. */
  readonly addressConnections: number;
  readonly edgeChannels: number;
  /** Of frames of one connection, by class. */
  readonly rates: {
    readonly publish: Rate;
    readonly subscribe: Rate;
    readonly read: Rate;
    readonly other: Rate;
  };
  /** Refusals at once, or per second, that end a connection. */
  readonly cutRefusals: number;
  /** By name of an API key, over all apis; 0: no limit. */
  readonly apiKeyMessagesPerSecond: number;
  /** Of one process. */
  readonly pendingMessages: number;
  readonly pendingBytes: number;
  readonly bodiesBytes: number;
  readonly overloadLagMs: number;
  readonly overloadBackpressureBytes: number;
}

export function limitSettings({ values }: Environment): LimitSettings {
  return {
    edgeConnections: values.HALLEY_EDGE_MAX_CONNECTIONS,
    clientConnections: values.HALLEY_CLIENT_MAX_CONNECTIONS,
    addressConnections: values.HALLEY_ADDRESS_MAX_CONNECTIONS,
    edgeChannels: values.HALLEY_EDGE_MAX_CHANNELS,
    rates: {
      publish: rate(values.HALLEY_RATE_PUBLISH, values.HALLEY_RATE_PUBLISH_BURST),
      subscribe: rate(values.HALLEY_RATE_SUBSCRIBE, values.HALLEY_RATE_SUBSCRIBE_BURST),
      read: rate(values.HALLEY_RATE_READ, values.HALLEY_RATE_READ_BURST),
      other: rate(values.HALLEY_RATE_OTHER, values.HALLEY_RATE_OTHER_BURST),
    },
    cutRefusals: values.HALLEY_RATE_CUT_REFUSALS,
    apiKeyMessagesPerSecond: values.HALLEY_API_KEY_MESSAGES_PER_SECOND,
    pendingMessages: values.HALLEY_PUBLISH_MAX_PENDING,
    pendingBytes: values.HALLEY_PUBLISH_MAX_PENDING_BYTES,
    bodiesBytes: values.HALLEY_BODIES_MAX_BYTES,
    overloadLagMs: values.HALLEY_OVERLOAD_LAG_MS,
    overloadBackpressureBytes: values.HALLEY_OVERLOAD_BACKPRESSURE_BYTES,
  };
}

/** As the publishers of a process take them. */
export function pendingLimitsOf({ limits }: { readonly limits: LimitSettings }) {
  return { messages: limits.pendingMessages, bytes: limits.pendingBytes };
}

function rate(perSecond: number, burst: number): Rate {
  return { perSecond, burst };
}
