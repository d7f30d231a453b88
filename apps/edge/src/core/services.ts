import type { AdmissionLimits } from './admission.js';
import type { Outflow } from './outflow.js';
import type { Authorizer } from './ports/authorizer.js';
import type { Clock } from './ports/clock.js';
import type { Fanout } from './ports/connection.js';
import type { Counters } from './ports/counters.js';
import type { NamespaceTable } from './ports/namespaces.js';
import type { ChannelStore, MemberStore, QueueStore } from './ports/stores.js';
import type { Presence } from './presence.js';
import type { RateLimits } from './rate-limit.js';

export interface Limits {
  readonly channelsPerConnection: number;
  /** Bytes of the largest data of any namespace. */
  readonly payloadMaxBytes: number;
  /** Bytes that may wait for a reader before it is cut. */
  readonly slowReaderBytes: number;
  /** Bytes that a replay may leave waiting: far less, so that a replay alone never cuts its reader. */
  readonly replayAheadBytes: number;
  readonly pingIntervalMs: number;
  readonly channelLingerMs: number;
  /** How long a subscription outlives its right while no backend answers. */
  readonly authorizeGraceMs: number;
  /** Age of private messages. */
  readonly queueMs: number;
  readonly admission: AdmissionLimits;
  /** Distinct channels of this edge. */
  readonly channels: number;
  readonly rates: RateLimits;
}

/** What the parts of the core share: the ports, and who is present. */
export interface Services {
  readonly edgeId: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly namespaces: NamespaceTable;
  readonly authorizer: Authorizer;
  readonly channels: ChannelStore;
  readonly queues: QueueStore;
  readonly members: MemberStore;
  readonly fanout: Fanout;
  readonly counters: Counters;
  readonly outflow: Outflow;
  readonly presence: Presence;
}
