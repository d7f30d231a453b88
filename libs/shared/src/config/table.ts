/** Every setting of this version, in the order of `.env.example`. */

import { availableParallelism } from 'node:os';
import type { ApiKeyEntry, TokenKeys } from '../auth/index.js';
import { LOG_LEVELS } from '../ops/logger.js';
import { CHANNELS_PER_CONNECTION_MAX } from '../protocol/index.js';
import {
  HOST_ALLOWED,
  ORIGINS_ALLOWED,
  type Origins,
  PUBLIC_URL_ALLOWED,
  parseHost,
  parseKeys,
  parseOrigins,
  parsePublicKeys,
  parsePublicUrl,
  parseRedisAddress,
  parseSecret,
  parseText,
  REDIS_ALLOWED,
  SECRET_ALLOWED,
  TEXT_ALLOWED,
} from './formats.js';
import { byMode, choice, flag, formatted, optionalText, wholeNumber } from './setting.js';

export const DEVELOPMENT_API_KEY = 'dev-key';
export const DEVELOPMENT_TOKEN_SECRET = 'dev-secret';

const MIB = 1_048_576;
const DEVELOPMENT_KEYS: readonly ApiKeyEntry[] = [
  { name: 'default', secret: DEVELOPMENT_API_KEY, role: 'admin' },
];

export const SETTINGS = {
  REDIS_URL: optionalText({
    about: 'Where Redis is. Without it the start command runs a private one.',
    allowed: REDIS_ALLOWED,
    parse: parseRedisAddress,
  }),
  HALLEY_HOST: formatted({
    about: 'Address to listen on. In development another than loopback needs keys of your own.',
    allowed: HOST_ALLOWED,
    development: '127.0.0.1',
    production: '127.0.0.1',
    defaultText: '127.0.0.1',
    parse: parseHost,
  }),
  HALLEY_EDGE_PORT: wholeNumber({
    about: 'Port for browsers, shared by the edges of a machine; 0 takes a free one.',
    unit: 'port',
    fallback: 8_100,
    min: 0,
    max: 65_535,
  }),
  HALLEY_EDGES: wholeNumber({
    about: 'Edge processes that the start command runs.',
    unit: 'processes',
    fallback: availableParallelism(),
    defaultText: 'one per core',
    min: 1,
    max: 1_024,
  }),
  HALLEY_EDGE_ADMIN_PORT: wholeNumber({
    about:
      'First port for /healthz, /readyz and /metrics; each edge adds its index. 0: a free one.',
    unit: 'port',
    fallback: 8_200,
    min: 0,
    max: 65_535,
  }),
  HALLEY_EDGE_INDEX: wholeNumber({
    about: 'Number of this edge on its machine. The start command sets it.',
    unit: 'index',
    fallback: 0,
    min: 0,
    max: 1_023,
  }),
  HALLEY_PUBLIC_URL: optionalText({
    about: 'Address under which clients reach this machine, for the heartbeat.',
    allowed: PUBLIC_URL_ALLOWED,
    parse: parsePublicUrl,
  }),
  HALLEY_API_PORT: wholeNumber({
    about: 'Port of the REST API; 0 takes a free one.',
    unit: 'port',
    fallback: 8_000,
    min: 0,
    max: 65_535,
  }),
  HALLEY_CONFIG: optionalText({
    about: 'JSON file with namespaces, queueSeconds and queueMaxMessages.',
    allowed: TEXT_ALLOWED,
    parse: parseText,
  }),
  HALLEY_API_KEYS: formatted({
    about: 'Keys of the REST API. Two keys of one name allow rotation.',
    allowed: 'a comma list of name:secret:role (read, publish or admin), or a secret alone',
    development: DEVELOPMENT_KEYS,
    production: [],
    defaultText: byMode(DEVELOPMENT_API_KEY, 'required'),
    parse: parseKeys,
  }),
  HALLEY_TOKEN_SECRET: optionalText({
    about: 'Secret of HS256, HS384 and HS512 tokens.',
    allowed: SECRET_ALLOWED,
    defaultText: byMode(DEVELOPMENT_TOKEN_SECRET, 'required unless HALLEY_TOKEN_KEYS is set'),
    parse: parseSecret,
  }),
  HALLEY_TOKEN_KEYS: formatted<TokenKeys | undefined>({
    about: 'Public keys of RS256, ES256 and EdDSA tokens.',
    allowed: 'PEM public keys (\\n for the ends of lines), or the http(s) address of a JWKS',
    development: undefined,
    production: undefined,
    defaultText: '',
    parse: parsePublicKeys,
  }),
  HALLEY_TOKEN_ISSUER: optionalText({
    about: 'If set, `iss` of a token must equal it.',
    allowed: TEXT_ALLOWED,
    parse: parseText,
  }),
  HALLEY_TOKEN_AUDIENCE: optionalText({
    about: 'If set, `aud` of a token must hold it.',
    allowed: TEXT_ALLOWED,
    parse: parseText,
  }),
  HALLEY_TOKEN_MAX_SECONDS: wholeNumber({
    about: 'How far ahead `exp` of a token may lie.',
    unit: 'seconds',
    fallback: 86_400,
    min: 1,
    max: 31_536_000,
  }),
  HALLEY_REVOKED_RELOAD_MS: wholeNumber({
    about: 'How often an edge reads the revoked tokens again, beside the news it gets at once.',
    unit: 'milliseconds',
    fallback: 30_000,
    min: 100,
    max: 600_000,
  }),
  HALLEY_ORIGINS: formatted<Origins>({
    about: 'Pages that may connect. A request without Origin passes.',
    allowed: ORIGINS_ALLOWED,
    development: '*',
    production: 'same-host',
    defaultText: byMode('*', 'same-host'),
    parse: parseOrigins,
  }),
  HALLEY_TRUST_CLIENT_IDS: flag({
    about: 'Lets a client without a token name itself by client=.',
    development: true,
    production: false,
  }),
  HALLEY_DRAIN_SECONDS: wholeNumber({
    about: 'Time over which a stopping edge sends its clients away.',
    unit: 'seconds',
    fallback: 60,
    min: 0,
    max: 3_600,
  }),
  HALLEY_DRAIN_GRACE_MS: wholeNumber({
    about: 'Time in which a stopping edge is not ready, but still answers new connections.',
    unit: 'milliseconds',
    fallback: 2_000,
    min: 0,
    max: 60_000,
  }),
  // Two intervals and 10 s of silence must stay below 960 s, the longest idle timeout of uWebSockets.js.
  HALLEY_PING_INTERVAL_MS: wholeNumber({
    about: 'Silence after which a client sends a ping.',
    unit: 'milliseconds',
    fallback: 25_000,
    min: 100,
    max: 300_000,
  }),
  HALLEY_SLOW_READER_BYTES: wholeNumber({
    about: 'Bytes that may wait for one connection before it is cut (4200).',
    unit: 'bytes',
    fallback: MIB,
    min: 1_024,
    max: 64 * MIB,
  }),
  HALLEY_CHANNEL_LINGER_MS: wholeNumber({
    about: 'How long an edge keeps a channel after its last listener left.',
    unit: 'milliseconds',
    fallback: 60_000,
    min: 0,
    max: 3_600_000,
  }),
  HALLEY_CONNECTION_MAX_CHANNELS: wholeNumber({
    about: 'Channels that one connection may hold.',
    unit: 'channels',
    fallback: CHANNELS_PER_CONNECTION_MAX,
    min: 1,
    max: CHANNELS_PER_CONNECTION_MAX,
  }),
  HALLEY_PRESENCE_GRACE_MS: wholeNumber({
    about: 'How long a client is away before its @client channel says offline.',
    unit: 'milliseconds',
    fallback: 5_000,
    min: 0,
    max: 600_000,
  }),
  HALLEY_BODY_MAX_BYTES: wholeNumber({
    about: 'Bytes of one request body of the REST API.',
    unit: 'bytes',
    fallback: 8 * MIB,
    min: 1_024,
    max: 64 * MIB,
  }),
  HALLEY_REDIS_TIMEOUT_MS: wholeNumber({
    about: 'Time after which a command that Redis did not answer has an unknown outcome.',
    unit: 'milliseconds',
    fallback: 2_000,
    min: 50,
    max: 60_000,
  }),
  HALLEY_DATA_DIR: formatted({
    about: 'Folder of the private Redis.',
    allowed: TEXT_ALLOWED,
    development: './data',
    production: './data',
    defaultText: './data',
    parse: parseText,
  }),
  HALLEY_LOG_LEVEL: choice({
    about: 'What gets logged.',
    fallback: 'info',
    among: LOG_LEVELS,
  }),
};
