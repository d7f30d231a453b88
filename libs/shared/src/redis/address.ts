/** What REDIS_URL says: where Redis is and how it is reached. */

export interface RedisAddress {
  readonly kind: 'standalone' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly path?: string;
  readonly tls: boolean;
  /** PEM of the authorities that are trusted in place of the usual ones; TLS only. */
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** Name of the master, Sentinel only. */
  readonly master?: string;
}

/**
 * `redis://[user:password@]host[:port][/db]`, `redis+sentinel://…h1:p1,h2:p2/master`, and both with
 * `rediss` for TLS; `unix://[:password@]/path.sock`; a comma list of redis:// addresses is a Cluster.
 * @param ca PEM of the authorities that signed its certificates; default: the usual ones
 * @throws Error with a text that names what is wrong and holds no part of the address
 */
export function parseRedisUrl(url: string, ca?: string): RedisAddress {
  const address = parseAnyKind(url);
  return ca !== undefined && address.tls ? { ...address, ca } : address;
}

function parseAnyKind(url: string): RedisAddress {
  if (/^rediss?\+sentinel:\/\//.test(url)) return parseSentinel(url);
  const addresses = url.split(',').map((part) => parseSingle(part.trim()));
  const [first, ...others] = addresses;
  if (first === undefined) throw new Error('REDIS_URL is empty');
  if (others.length === 0) return first;
  checkCluster(first, others);
  return { ...first, kind: 'cluster', nodes: addresses.flatMap((address) => address.nodes) };
}

/** One node tells of the others, so all are reached in the way of the first. */
function checkCluster(first: RedisAddress, others: readonly RedisAddress[]): void {
  const all = [first, ...others];
  if (all.some(({ path }) => path !== undefined)) {
    throw new Error('a Redis Cluster has no unix:// nodes');
  }
  if (all.some(({ db }) => db !== 0)) throw new Error('a Redis Cluster has only database 0');
  if (others.some(({ tls }) => tls !== first.tls)) {
    throw new Error('the nodes of a Redis Cluster are all redis:// or all rediss://');
  }
  const differs = ({ username, password }: RedisAddress) =>
    (username ?? password) !== undefined &&
    (username !== first.username || password !== first.password);
  if (others.some(differs)) {
    throw new Error('the nodes of a Redis Cluster have one user and one password');
  }
}

function parseSingle(text: string): RedisAddress {
  if (text.startsWith('unix://')) return parseUnix(text);
  const url = parseUrl(text);
  const access = accessOf(url);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    // Not named: after a comma in a password it would be a part of that.
    throw new Error('REDIS_URL has an unknown scheme');
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
