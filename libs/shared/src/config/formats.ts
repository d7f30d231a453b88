/** Settings that are texts with a format of their own. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ApiKeyEntry, parseApiKeys, parseTokenKeys, type TokenKeys } from '../auth/index.js';
import { isNetwork } from '../ops/networks.js';
import { parseRedisUrl } from '../redis/index.js';
import { mustBe, type Parsed } from './setting.js';

/** Which pages may connect, by their `Origin`; a request without one passes always. */
export type Origins = '*' | 'same-host' | readonly string[];

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*$/;
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/;
/** RFC 6265: a token of HTTP. */
const COOKIE_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const TEXT_MAX_CHARS = 1_000;

export const REDIS_ALLOWED =
  'redis://, rediss://, unix:// or redis+sentinel://, or a comma list of Cluster nodes';
export const CA_ALLOWED = 'a file of PEM certificates';
export const HOST_ALLOWED = 'an IP address or a host name';
export const ORIGINS_ALLOWED = '*, same-host, or a comma list of origins (https://example.com)';
export const NETWORKS_ALLOWED = 'a comma list of IP addresses and networks (10.0.0.0/8, ::1)';
export const PUBLIC_URL_ALLOWED = 'a ws, wss, http or https address';
export const SECRET_ALLOWED = 'a secret text, no PEM';
export const COOKIE_NAME_ALLOWED = 'the name of a cookie';
export const TEXT_ALLOWED = `a text of at most ${TEXT_MAX_CHARS} characters`;

export function parseHost(text: string): Parsed<string> {
  const host = text.trim();
  return isIP(host) !== 0 || HOST_NAME.test(host) ? { value: host } : mustBe(HOST_ALLOWED, text);
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

export function parseOrigins(text: string): Parsed<Origins> {
  const trimmed = text.trim();
  if (trimmed === '*' || trimmed === 'same-host') return { value: trimmed };
  const value = trimmed.split(',').map((part) => part.trim());
  const wrong = value.find((origin) => !isOrigin(origin));
  return wrong === undefined ? { value } : mustBe(ORIGINS_ALLOWED, wrong);
}

/** As a browser writes it: lower case, no default port, no path. Apps have schemes of their own. */
function isOrigin(text: string): boolean {
  if (!ORIGIN.test(text) || !URL.canParse(text)) return false;
  const { origin } = new URL(text);
  return origin === 'null' || origin === text;
}

export function parseNetworks(text: string): Parsed<readonly string[]> {
  const value = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const wrong = value.find((network) => !isNetwork(network));
  return wrong === undefined ? { value } : mustBe(NETWORKS_ALLOWED, wrong);
}

export function parsePublicUrl(text: string): Parsed<string> {
  const value = text.trim();
  const isAddress = /^(?:wss?|https?):\/\//.test(value) && URL.canParse(value);
  return isAddress ? { value } : mustBe(PUBLIC_URL_ALLOWED, text);
}

export function parseText(text: string): Parsed<string> {
  return text.length <= TEXT_MAX_CHARS ? { value: text } : mustBe(TEXT_ALLOWED);
}

export function parseCookieName(text: string): Parsed<string> {
  const name = text.trim();
  return COOKIE_NAME.test(name) ? { value: name } : mustBe(COOKIE_NAME_ALLOWED, text);
}

/** A public key as HMAC secret would let everybody sign. */
export function parseSecret(text: string): Parsed<string> {
  return text.includes('-----BEGIN') ? mustBe(SECRET_ALLOWED) : { value: text };
}

export function parseKeys(text: string): Parsed<readonly ApiKeyEntry[]> {
  const { entries, problems } = parseApiKeys(text);
  return problems.length > 0 ? { problems: problems } : { value: entries };
}

export function parsePublicKeys(text: string): Parsed<TokenKeys | undefined> {
  const parsed = parseTokenKeys(text.trim());
  return typeof parsed === 'string' ? { problems: [parsed] } : { value: parsed };
}

/** Checked here, so that a bad address is named together with all other problems. */
export function parseRedisAddress(text: string): Parsed<string> {
  try {
    parseRedisUrl(text);
    return { value: text };
  } catch (error) {
    const reason = error instanceof Error ? `: ${error.message}` : '';
    const hint = text.includes('@') ? '; percent-encode what is special in a password' : '';
    return { problems: [`must be ${REDIS_ALLOWED}${reason}${hint}`] };
  }
}

/** @returns what is in the file, since whoever connects needs that */
export function readAuthorities(file: string): Parsed<string> {
  try {
    const text = readFileSync(file, 'utf8');
    const certificates = text.match(CERTIFICATE) ?? [];
    for (const certificate of certificates) void new X509Certificate(certificate);
    return certificates.length > 0 ? { value: text } : mustBe(CA_ALLOWED, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problems: [`must be ${CA_ALLOWED}, not ${JSON.stringify(file)}: ${code}`] };
  }
}
