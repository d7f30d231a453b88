/** Connections to Redis: standalone, Sentinel or Cluster. */

import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './address.js';
import { isReadOnly } from './errors.js';
import { countLoss } from './losses.js';
import { UNPIPELINED_COMMANDS } from './scripts.js';

export type CommandClient = Redis | Cluster;

/** Shorter silences are no reason for a new connection, however short calls may be. */
const HANG_MIN_MS = 4_000;
const SLOTS_REFRESH_MS = 5_000;
/** How soon a replica that took over is found. */
const AWAY_REFRESH_MS = 1_000;

/** ioredis' option that changes the types of replies is not ours to set. */
type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

/** Resolves when commands can be sent, however long that takes. */
export async function whenReady(redis: CommandClient): Promise<void> {
  if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
  if (redis.isCluster) await Promise.all((redis as Cluster).nodes('master').map(connectNode));
}

/** A master that is away is no reason to wait: calls to it fail, those to the others do not. */
async function connectNode(node: Redis): Promise<void> {
  if (node.status === 'wait') node.connect().catch(() => undefined);
  if (node.status === 'ready' || node.status === 'end') return;
  await new Promise((resolve) => node.once('ready', resolve).once('end', resolve));
}

/** Back-off of a connection: 50 ms to 2 s, with jitter so that a fleet does not come back as one. */
export function backOffMs(attempt: number): number {
  const ceiling = Math.min(2_000, 50 * 2 ** Math.min(attempt, 6));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/**
 * The command connection. A call that cannot be sent now fails now, and nothing is ever sent twice:
 * ioredis' defaults would queue it without bound and store a message twice after a lost reply.
 */
export function createCommandClient(address: RedisAddress, timeoutMs: number): CommandClient {
  const options: ConnectionOptions = {
    ...connectionOptions(address),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: timeoutMs,
    // A server that hangs closes no connection; another one may have taken its place meanwhile.
    ...hangLimits(timeoutMs),
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: [...UNPIPELINED_COMMANDS],
  };
  if (address.kind !== 'cluster') {
    return new Redis({ ...options, reconnectOnError: ({ message }) => isReadOnly(message) });
  }
  const cluster = new Cluster([...address.nodes], {
    redisOptions: options,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: UNPIPELINED_COMMANDS,
    // A retry strategy per node would leave calls pending in a dead node's queue.
    clusterNodeRetryStrategy: null,
    maxRedirections: 4,
    // It would repeat what was sent and not answered, and store a message twice.
    retryDelayOnFailover: 0,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    clusterRetryStrategy: backOffMs,
    ...clusterNames(address),
  });
  cluster.on('+node', (node: Redis) => {
    node.once('ready', () => node.once('close', () => countLoss(cluster)));
  });
  // Looking finds a dead node again for as long as nobody has taken its place, and so looks again.
  cluster.on('-node', () => {
    setTimeout(() => cluster.refreshSlotsCache(), AWAY_REFRESH_MS).unref();
  });
  // While a node connects, calls to it fail: better at once than with the first message. Not before the
  // cluster is ready: such a failure would begin it anew.
  cluster.on('+node', (node: Redis) => {
    setImmediate(() => {
      if (cluster.status === 'ready' && node.options.readOnly !== true) void connectNode(node);
    });
  });
  cluster.on('ready', () => void whenReady(cluster));
  return cluster;
}

/** After which an unanswered command of a job costs its connection; blocking ones answer within 5 s. */
const JOBS_SOCKET_TIMEOUT_MS = 20_000;

/**
 * A connection for BullMQ, which makes others like it: its calls wait for Redis as long as that takes, and
 * may be sent twice.
 */
export function createJobsClient(address: RedisAddress): CommandClient {
  const options: ConnectionOptions = {
    ...connectionOptions(address),
    maxRetriesPerRequest: null,
    socketTimeout: JOBS_SOCKET_TIMEOUT_MS,
  };
  if (address.kind !== 'cluster') return new Redis(options);
  return new Cluster([...address.nodes], {
    redisOptions: options,
    slotsRefreshInterval: 5_000,
    clusterRetryStrategy: backOffMs,
    ...clusterNames(address),
  });
}

/**
 * A connection for subscriptions to one node; whoever owns it resubscribes by itself.
 * @param timeoutMs after which an unanswered SSUBSCRIBE fails; by default it waits
 */
export function createSubscriberConnection(
  address: RedisAddress,
  node: { host: string; port: number } | null,
  timeoutMs?: number,
): Redis {
  return new Redis({
    ...connectionOptions(address),
    ...(node !== null && { host: node.host, port: node.port }),
    ...(timeoutMs !== undefined && {
      commandTimeout: timeoutMs,
      ...hangLimits(timeoutMs),
    }),
    lazyConnect: true,
    retryStrategy: backOffMs,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  });
}

/** After which silence a server that was asked counts as away. */
function hangLimits(timeoutMs: number): { socketTimeout: number; connectTimeout: number } {
  const hangMs = Math.max(HANG_MIN_MS, 2 * timeoutMs);
  return { socketTimeout: hangMs, connectTimeout: hangMs };
}

function connectionOptions(address: RedisAddress): ConnectionOptions {
  const [node] = address.nodes;
  return {
    retryStrategy: backOffMs,
    db: address.db,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.tls && { tls: tlsOptions(address) }),
    ...(address.path !== undefined && { path: address.path }),
    ...(address.kind === 'standalone' &&
      node !== undefined && { host: node.host, port: node.port }),
    ...(address.kind === 'sentinel' && {
      sentinels: [...address.nodes],
      name: address.master ?? 'mymaster',
      // Without these two ioredis speaks plain text to the Sentinels and to the master.
      ...(address.tls && { sentinelTLS: tlsOptions(address), enableTLSForSentinelMode: true }),
      ...(address.password !== undefined && { sentinelPassword: address.password }),
    }),
  };
}

/** A certificate is for the name that was given; ioredis would connect to the address behind it. */
function clusterNames({ tls }: RedisAddress): Pick<ClusterOptions, 'dnsLookup'> {
  return tls ? { dnsLookup: (host, done) => done(null, host) } : {};
}

function tlsOptions({ ca }: RedisAddress): { ca?: string } {
  return ca === undefined ? {} : { ca };
}
