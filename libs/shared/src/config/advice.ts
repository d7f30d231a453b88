/** What is allowed, but seldom meant where others than this machine can reach the fleet. */

import { Networks } from '../ops/networks.js';
import type { Environment } from './environment.js';
import { isLoopback } from './formats.js';

/** RFC 7518, 3.2: an HS256 secret has at least the 32 bytes of its hash. */
const SECRET_MIN_BYTES = 32;
const API_KEY_MIN_BYTES = 16;
/** One address of each half of the Internet: who trusts all of them trusts everybody. */
const ANYBODY = ['8.8.8.8', '203.0.113.1'];

export function advice(environment: Environment): string[] {
  if (!environment.production) return developmentAdvice(environment);
  return [
    ...secretAdvice(environment),
    ...keySetAdvice(environment),
    ...visitorAdvice(environment),
    ...networkAdvice(environment),
  ];
}

function developmentAdvice({ values: { HALLEY_HOST: host } }: Environment): string[] {
  if (isLoopback(host)) return [];
  return [
    `HALLEY_HOST ${host} is not loopback and NODE_ENV is not production: anybody may use the ` +
      'namespaces "" and "demo", and take any client name unless HALLEY_TRUST_CLIENT_IDS is 0',
  ];
}

function secretAdvice({ values }: Environment): string[] {
  const warnings: string[] = [];
  for (const name of ['HALLEY_TOKEN_SECRET', 'HALLEY_AUTHORIZE_SECRET'] as const) {
    const secret = values[name];
    if (secret !== undefined && Buffer.byteLength(secret) < SECRET_MIN_BYTES) {
      warnings.push(`${name} has fewer than ${SECRET_MIN_BYTES} bytes`);
    }
  }
  for (const [index, { secret }] of values.HALLEY_API_KEYS.entries()) {
    if (secret.length < API_KEY_MIN_BYTES) {
      const text = `HALLEY_API_KEYS key ${index + 1} has fewer than ${API_KEY_MIN_BYTES} bytes`;
      warnings.push(text);
    }
  }
  return warnings;
}

function keySetAdvice({ values: { HALLEY_TOKEN_KEYS: keys } }: Environment): string[] {
  if (keys?.kind !== 'jwks' || keys.url.protocol !== 'http:' || isLoopback(keys.url.hostname)) {
    return [];
  }
  return ['HALLEY_TOKEN_KEYS is an http address: whoever is on the way can replace the keys'];
}

function visitorAdvice({ values }: Environment): string[] {
  const warnings: string[] = [];
  if (values.HALLEY_TRUST_CLIENT_IDS) {
    warnings.push('HALLEY_TRUST_CLIENT_IDS is on: anybody may take any client name');
  }
  if (values.HALLEY_ORIGINS === '*') {
    warnings.push('HALLEY_ORIGINS is *: any page may connect in the name of who looks at it');
  }
  return warnings;
}

function networkAdvice({ values }: Environment): string[] {
  const warnings: string[] = [];
  if (!isLoopback(values.HALLEY_HOST)) {
    warnings.push(
      `HALLEY_EDGE_ADMIN_PORT is open on HALLEY_HOST ${values.HALLEY_HOST}: ` +
        'let only those who scrape /metrics reach it',
    );
  }
  const lists = [
    ['HALLEY_TRUSTED_PROXIES', 'anybody can say where it comes from'],
    ['HALLEY_ICOMET_ALLOW', 'anybody may use the admin paths of iComet'],
    ['HALLEY_MEGACOMET_ALLOW', 'anybody may publish by the manager of MegaComet'],
  ] as const;
  for (const [name, meaning] of lists) {
    const networks = new Networks(values[name]);
    if (ANYBODY.some((address) => networks.includes(address))) {
      warnings.push(`${name} holds public addresses in great number: ${meaning}`);
    }
  }
  return warnings;
}
