/** Connections to Redis: standalone, Sentinel or Cluster out of one address. */

import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { UNPIPELINED_COMMANDS } from './scripts.js';

export type CommandClient = Redis | Cluster;

/** ioredis' option that changes the types of replies is not ours to set. */
type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

export interface RedisAddress {
  readonly kind: 'standalone' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly path?: string;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** Name of the master, Sentinel only. */
  readonly master?: string;
}

/**
 * `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, `redis+sentinel://…h1:p1,h2:p2/master`,
 * `unix://[:password@]/path.sock`; a comma list of redis:// addresses is a Cluster.
 * @throws Error with a text that names what is wrong, without the password
 */
export function parseRedisUrl(url: string): RedisAddress {
  if (/^rediss?\+sentinel:\/\//.test(url)) return parseSentinel(url);
  const parts = url.split(',').map((part) => part.trim());
  const addresses = parts.map(parseSingle);
  const [first] = addresses;
  if (first === undefined) throw new Error('REDIS_URL is empty');
  if (addresses.length === 1) return first;
  if (first.db !== 0) throw new Error('a Redis Cluster has only database 0');
  return { ...first, kind: 'cluster', nodes: addresses.flatMap((address) => address.nodes) };
}

function parseSingle(text: string): RedisAddress {
  if (text.startsWith('unix://')) return parseUnix(text);
  const url = parseUrl(text);
  const access = accessOf(url);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new Error(`REDIS_URL has an unknown scheme: ${url.protocol}`);
  }
  const tls = url.protocol === 'rediss:';
  const db = databaseOf(url.pathname.slice(1));
  return { kind: 'standalone', nodes: [nodeOf(url.host)], tls, db, ...access };
}

function parseUnix(text: string): RedisAddress {
  const match = /^unix:\/\/(?:([^@/]*)@)?(\/.+)$/.exec(text);
  if (match === null) throw new Error('REDIS_URL must be unix://[user:password@]/path');
  const [, access, path = ''] = match;
  return {
    kind: 'standalone',
    nodes: [],
    path: decodeURIComponent(path),
    tls: false,
    db: 0,
    ...(access !== undefined && accessOf(parseUrl(`redis://${access}@host`))),
  };
}

function parseSentinel(text: string): RedisAddress {
  const match = /^(rediss?)\+sentinel:\/\/(?:([^@/]*)@)?([^/]+)\/([^/?]+)(?:\/(\d+))?$/.exec(text);
  if (match === null) {
    throw new Error('REDIS_URL must be redis+sentinel://[user:password@]host:port,…/master[/db]');
  }
  const [, scheme, access, hosts = '', master = '', db = ''] = match;
  return {
    kind: 'sentinel',
    nodes: hosts.split(',').map((host) => nodeOf(host, 26_379)),
    tls: scheme === 'rediss',
    db: databaseOf(db),
    master: decodeURIComponent(master),
    ...(access !== undefined && accessOf(parseUrl(`redis://${access}@host`))),
  };
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new Error('REDIS_URL is not a URL');
  }
}

function accessOf(url: URL): { username?: string; password?: string } {
  return {
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
  };
}

function nodeOf(host: string, defaultPort = 6_379): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(host);
  const [, name, port] = match ?? [];
  if (name === undefined) throw new Error('REDIS_URL has an address without a valid host and port');
  return {
    host: name.replace(/^\[|\]$/g, ''),
    port: port === undefined ? defaultPort : Number(port),
  };
}

function databaseOf(text: string): number {
  if (!/^\d{0,4}$/.test(text)) throw new Error('REDIS_URL has a database that is no number');
  return text === '' ? 0 : Number(text);
}

/** Resolves when commands can be sent, however long that takes. */
export function whenReady(redis: CommandClient): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => redis.once('ready', () => resolve()));
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
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: [...UNPIPELINED_COMMANDS],
  };
  if (address.kind !== 'cluster') return new Redis(options);
  return new Cluster([...address.nodes], {
    redisOptions: options,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: UNPIPELINED_COMMANDS,
    // A retry strategy per node would leave calls pending in a dead node's queue.
    clusterNodeRetryStrategy: null,
    maxRedirections: 4,
    slotsRefreshInterval: 5_000,
    clusterRetryStrategy: backOffMs,
  });
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
    ...(timeoutMs !== undefined && { commandTimeout: timeoutMs }),
    lazyConnect: true,
    retryStrategy: backOffMs,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  });
}

function connectionOptions(address: RedisAddress): ConnectionOptions {
  const [node] = address.nodes;
  return {
    retryStrategy: backOffMs,
    db: address.db,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.tls && { tls: {} }),
    ...(address.path !== undefined && { path: address.path }),
    ...(address.kind === 'standalone' &&
      node !== undefined && { host: node.host, port: node.port }),
    ...(address.kind === 'sentinel' && {
      sentinels: [...address.nodes],
      name: address.master ?? 'mymaster',
      ...(address.password !== undefined && { sentinelPassword: address.password }),
    }),
  };
}
