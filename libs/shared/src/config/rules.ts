/** What settings have to keep among themselves. */

import type { ApiKeyEntry } from '../auth/index.js';
import type { Environment } from './environment.js';
import { isLoopback } from './formats.js';
import { DEVELOPMENT_API_KEY, DEVELOPMENT_TOKEN_SECRET } from './table.js';

const PORT_MAX = 65_535;

export function contradictions(environment: Environment): string[] {
  return [
    ...keyProblems(environment),
    ...portProblems(environment),
    ...cookieProblems(environment),
    ...redisProblems(environment),
    ...limitProblems(environment),
  ];
}

/**
 * Where others than this machine can reach the fleet, it has keys that nobody else knows: those of
 * development stand in the documentation.
 */
function keyProblems({ production, values, given, refused }: Environment): string[] {
  const { HALLEY_HOST: host } = values;
  if (!production && isLoopback(host)) return [];
  const where = production ? 'in production' : `for HALLEY_HOST ${host}, which is not loopback`;
  const problems: string[] = [];
  if (!given.has('HALLEY_API_KEYS')) {
    problems.push(`HALLEY_API_KEYS must be set ${where}: a comma list of name:secret:role`);
  } else if (!refused.has('HALLEY_API_KEYS') && holdsDevelopmentKey(values.HALLEY_API_KEYS)) {
    problems.push(`HALLEY_API_KEYS must not hold ${DEVELOPMENT_API_KEY} ${where}`);
  }
  if (!given.has('HALLEY_TOKEN_SECRET') && !given.has('HALLEY_TOKEN_KEYS')) {
    problems.push(`HALLEY_TOKEN_SECRET or HALLEY_TOKEN_KEYS must be set ${where}`);
  } else if (values.HALLEY_TOKEN_SECRET === DEVELOPMENT_TOKEN_SECRET) {
    problems.push(`HALLEY_TOKEN_SECRET must not be ${DEVELOPMENT_TOKEN_SECRET} ${where}`);
  }
  if (values.HALLEY_AUTHORIZE_SECRET === DEVELOPMENT_TOKEN_SECRET) {
    problems.push(`HALLEY_AUTHORIZE_SECRET must not be ${DEVELOPMENT_TOKEN_SECRET} ${where}`);
  }
  return problems;
}

function holdsDevelopmentKey(keys: readonly ApiKeyEntry[]): boolean {
  return keys.some(({ secret }) => secret === DEVELOPMENT_API_KEY);
}

function portProblems({ values }: Environment): string[] {
  const first = values.HALLEY_EDGE_ADMIN_PORT;
  if (first === 0) return [];
  const last = first + Math.max(values.HALLEY_EDGES - 1, values.HALLEY_EDGE_INDEX);
  if (last > PORT_MAX) {
    return [`HALLEY_EDGE_ADMIN_PORT must leave a port for each edge: ${last} is above ${PORT_MAX}`];
  }
  const shared = values.HALLEY_EDGE_PORT;
  return shared >= first && shared <= last
    ? [`HALLEY_EDGE_PORT must not be one of the admin ports ${first} to ${last}, not ${shared}`]
    : [];
}

/** Any page could use the cookie of whoever looks at it. */
function cookieProblems({ values }: Environment): string[] {
  if (values.HALLEY_TOKEN_COOKIE === undefined || values.HALLEY_ORIGINS !== '*') return [];
  return ['HALLEY_TOKEN_COOKIE needs HALLEY_ORIGINS to be same-host or a list of origins, not *'];
}

/** Who names an authority believes that the connection is encrypted. */
function redisProblems({ values, refused }: Environment): string[] {
  const { REDIS_URL: url, HALLEY_REDIS_CA: ca } = values;
  if (ca === undefined || refused.has('REDIS_URL') || url?.startsWith('rediss')) return [];
  return ['HALLEY_REDIS_CA must go with a REDIS_URL of rediss:// or rediss+sentinel://'];
}

function limitProblems({ values }: Environment): string[] {
  const { HALLEY_BODIES_MAX_BYTES: all, HALLEY_BODY_MAX_BYTES: one } = values;
  if (all >= one) return [];
  return [`HALLEY_BODIES_MAX_BYTES must hold at least one body of HALLEY_BODY_MAX_BYTES (${one})`];
}
