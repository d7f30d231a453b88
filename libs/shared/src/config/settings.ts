import type { ApiKeyEntry, TokenSettings } from '../auth/index.js';
import type { LogLevel } from '../ops/logger.js';
import { advice } from './advice.js';
import { NO_FILE, type QueueLimits, readConfigFile } from './config-file.js';
import { type Environment, readEnvironment } from './environment.js';
import type { Origins } from './formats.js';
import { type LimitSettings, limitSettings } from './limit-settings.js';
import { buildNamespaces, type Namespaces } from './namespaces.js';
import { contradictions } from './rules.js';
import { DEVELOPMENT_TOKEN_SECRET } from './table.js';
import { readTls, type TlsFiles, tlsAdvice } from './tls.js';

export interface EdgeSettings {
  readonly port: number;
  /** Edge processes of this machine. */
  readonly count: number;
  /** This edge's own, its index already added; 0 for any free one. */
  readonly adminPort: number;
  readonly index: number;
  readonly publicUrl?: string;
  readonly pingIntervalMs: number;
  readonly slowReaderBytes: number;
  readonly channelLingerMs: number;
  readonly drainSeconds: number;
  readonly drainGraceMs: number;
  readonly maxChannels: number;
  readonly presenceGraceMs: number;
  readonly pollPresenceMs: number;
  /** Ports of doors; 0: off. */
  readonly dpsPort: number;
  readonly megacometPort: number;
}

export interface IcometSettings {
  /** Its paths are served without a prefix too, and its admin paths at all. */
  readonly bare: boolean;
  /** Addresses and networks that may use the admin paths. */
  readonly allow: readonly string[];
  readonly auth: 'none' | 'token';
  readonly pollingTimeoutSeconds: number;
  readonly channelTimeoutSeconds: number;
  /** Both per edge. */
  readonly maxChannels: number;
  readonly maxSubscribersPerChannel: number;
}

/** How the backends of namespaces with `authorizeUrl` are asked. */
export interface AuthorizeSettings {
  /** Absent only where no namespace has an `authorizeUrl`. */
  readonly secret?: string;
  readonly timeoutMs: number;
  /** Both per edge. */
  readonly maxCalls: number;
  readonly maxWaiting: number;
  readonly graceMs: number;
}

export interface Settings {
  readonly production: boolean;
  readonly redisUrl?: string;
  readonly host: string;
  readonly edge: EdgeSettings;
  readonly api: {
    readonly port: number;
    readonly bodyMaxBytes: number;
    /** 0: off. */
    readonly megacometManagerPort: number;
    /** Addresses and networks that may use that port. */
    readonly megacometAllow: readonly string[];
  };
  readonly sweep: {
    /** Silence after which an edge is dead. */
    readonly edgeDeadMs: number;
    /** How long it is known when a client was last here. */
    readonly lastSeenDays: number;
  };
  readonly icomet: IcometSettings;
  readonly limits: LimitSettings;
  /** Addresses and networks (CIDR) of proxies that are believed. */
  readonly trustedProxies: readonly string[];
  readonly redis: {
    readonly timeoutMs: number;
    /** PEM of the authorities that signed its certificates; none: the usual ones. */
    readonly ca?: string;
  };
  readonly apiKeys: readonly ApiKeyEntry[];
  readonly token: TokenSettings;
  /** Name of the cookie that may hold a token. */
  readonly tokenCookie?: string;
  readonly authorize: AuthorizeSettings;
  /** Absent: plain HTTP, as behind a proxy. */
  readonly tls?: TlsFiles;
  readonly origins: Origins;
  readonly trustClientIds: boolean;
  readonly logLevel: LogLevel;
  readonly dataDir: string;
  readonly namespaces: Namespaces;
  readonly queue: QueueLimits;
  /** For the log at start. */
  readonly warnings: readonly string[];
}

/** Everything that is wrong with the settings, so that one start is enough to see it all. */
export class SettingsError extends Error {
  /** Each names its setting and says what is allowed; none holds a secret. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/**
 * Reads the environment, and the file that it names, once.
 * @throws SettingsError
 */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  const environment = readEnvironment(env);
  const problems = [...environment.problems, ...contradictions(environment)];
  const { values, production } = environment;
  const path = values.HALLEY_CONFIG;
  const file = path === undefined ? NO_FILE : readConfigFile(path, problems);
  const tls = readTls(values.HALLEY_TLS_CERT, values.HALLEY_TLS_KEY, problems);
  const namespaces = buildNamespaces(file.namespaces, production);
  const authorize = authorizeSettings(environment);
  if (namespaces.asksBackends && authorize.secret === undefined) {
    problems.push('HALLEY_AUTHORIZE_SECRET must be set: a namespace has an authorizeUrl');
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return {
    production,
    ...optional('redisUrl', values.REDIS_URL),
    host: values.HALLEY_HOST,
    edge: edgeSettings(environment),
    api: {
      port: values.HALLEY_API_PORT,
      bodyMaxBytes: values.HALLEY_BODY_MAX_BYTES,
      megacometManagerPort: values.HALLEY_MEGACOMET_MANAGER_PORT,
      megacometAllow: values.HALLEY_MEGACOMET_ALLOW,
    },
    sweep: {
      edgeDeadMs: values.HALLEY_EDGE_DEAD_MS,
      lastSeenDays: values.HALLEY_LAST_SEEN_DAYS,
    },
    icomet: icometSettings(environment),
    limits: limitSettings(environment),
    trustedProxies: values.HALLEY_TRUSTED_PROXIES,
    redis: {
      timeoutMs: values.HALLEY_REDIS_TIMEOUT_MS,
      ...optional('ca', values.HALLEY_REDIS_CA),
    },
    apiKeys: values.HALLEY_API_KEYS,
    token: tokenSettings(environment),
    ...optional('tokenCookie', values.HALLEY_TOKEN_COOKIE),
    authorize,
    ...optional('tls', tls),
    origins: values.HALLEY_ORIGINS,
    trustClientIds: values.HALLEY_TRUST_CLIENT_IDS,
    logLevel: values.HALLEY_LOG_LEVEL,
    dataDir: values.HALLEY_DATA_DIR,
    namespaces,
    queue: file.queue,
    warnings: [
      ...environment.warnings,
      ...advice(environment),
      ...(tls === undefined ? [] : tlsAdvice(tls)),
    ],
  };
}

function edgeSettings({ values }: Environment): EdgeSettings {
  const firstAdminPort = values.HALLEY_EDGE_ADMIN_PORT;
  const index = values.HALLEY_EDGE_INDEX;
  return {
    port: values.HALLEY_EDGE_PORT,
    count: values.HALLEY_EDGES,
    adminPort: firstAdminPort === 0 ? 0 : firstAdminPort + index,
    index,
    ...optional('publicUrl', values.HALLEY_PUBLIC_URL),
    pingIntervalMs: values.HALLEY_PING_INTERVAL_MS,
    slowReaderBytes: values.HALLEY_SLOW_READER_BYTES,
    channelLingerMs: values.HALLEY_CHANNEL_LINGER_MS,
    drainSeconds: values.HALLEY_DRAIN_SECONDS,
    drainGraceMs: values.HALLEY_DRAIN_GRACE_MS,
    maxChannels: values.HALLEY_CONNECTION_MAX_CHANNELS,
    presenceGraceMs: values.HALLEY_PRESENCE_GRACE_MS,
    pollPresenceMs: values.HALLEY_POLL_PRESENCE_MS,
    dpsPort: values.HALLEY_DPS_PORT,
    megacometPort: values.HALLEY_MEGACOMET_PORT,
  };
}

function icometSettings({ values }: Environment): IcometSettings {
  return {
    bare: values.HALLEY_ICOMET,
    allow: values.HALLEY_ICOMET_ALLOW,
    auth: values.HALLEY_ICOMET_AUTH,
    pollingTimeoutSeconds: values.HALLEY_ICOMET_POLLING_TIMEOUT_SECONDS,
    channelTimeoutSeconds: values.HALLEY_ICOMET_CHANNEL_TIMEOUT_SECONDS,
    maxChannels: values.HALLEY_ICOMET_MAX_CHANNELS,
    maxSubscribersPerChannel: values.HALLEY_ICOMET_MAX_SUBSCRIBERS_PER_CHANNEL,
  };
}

function tokenSettings({ values, production, given }: Environment): TokenSettings {
  // Whoever brings keys of their own has not asked for a secret that everybody knows beside them.
  const usesDevelopmentSecret = !production && !given.has('HALLEY_TOKEN_KEYS');
  const fallback = usesDevelopmentSecret ? DEVELOPMENT_TOKEN_SECRET : undefined;
  return {
    ...optional('secret', values.HALLEY_TOKEN_SECRET ?? fallback),
    ...optional('keys', values.HALLEY_TOKEN_KEYS),
    ...optional('issuer', values.HALLEY_TOKEN_ISSUER),
    ...optional('audience', values.HALLEY_TOKEN_AUDIENCE),
    maxSeconds: values.HALLEY_TOKEN_MAX_SECONDS,
    revokedReloadMs: values.HALLEY_REVOKED_RELOAD_MS,
  };
}

function authorizeSettings(environment: Environment): AuthorizeSettings {
  const { values } = environment;
  return {
    ...optional('secret', values.HALLEY_AUTHORIZE_SECRET ?? tokenSettings(environment).secret),
    timeoutMs: values.HALLEY_AUTHORIZE_TIMEOUT_MS,
    maxCalls: values.HALLEY_AUTHORIZE_MAX_CALLS,
    maxWaiting: values.HALLEY_AUTHORIZE_MAX_WAITING,
    graceMs: values.HALLEY_AUTHORIZE_GRACE_SECONDS * 1_000,
  };
}

/** The property only where there is a value: an optional one must not be there as undefined. */
function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [Name in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [Name in Key]: Value });
}
