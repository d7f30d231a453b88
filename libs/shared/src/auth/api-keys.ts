import { createHash, timingSafeEqual } from 'node:crypto';

export const ROLES = ['read', 'publish', 'admin'] as const;
/** Each role holds the ones before it. */
export type Role = (typeof ROLES)[number];

export interface ApiKeyEntry {
  /** What logs and limits show; two keys may share it while one replaces the other. */
  readonly name: string;
  readonly secret: string;
  readonly role: Role;
}

/** Who calls, as far as the rest of the program needs to know. */
export interface ApiCaller {
  readonly name: string;
  readonly role: Role;
}

export const DEFAULT_KEY_NAME = 'default';
/** Bytes of an `Authorization` header: longer ones are not hashed. */
export const AUTHORIZATION_MAX_BYTES = 512;

const NAME_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
const SECRET_PATTERN = /^[!-+.-9;-~-]{1,256}$/;
const SCHEME = 'bearer ';

export function isRole(text: string | undefined): text is Role {
  return (ROLES as readonly (string | undefined)[]).includes(text);
}

export function holds(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export interface ParsedApiKeys {
  readonly entries: readonly ApiKeyEntry[];
  /** Each names the key by its place in the list; secrets are never repeated. */
  readonly problems: readonly string[];
}

/** Reads a comma list of `name:secret:role`; a bare secret is `default:<secret>:admin`. */
export function parseApiKeys(text: string): ParsedApiKeys {
  const entries: ApiKeyEntry[] = [];
  const problems: string[] = [];
  for (const [index, part] of text.split(',').entries()) {
    const parsed = parseEntry(part.trim());
    if (typeof parsed === 'string') problems.push(`key ${index + 1} ${parsed}`);
    else if (entries.some((entry) => entry.secret === parsed.secret)) {
      problems.push(`key ${index + 1} repeats the secret of an earlier key`);
    } else entries.push(parsed);
  }
  return { entries, problems };
}

/** The entry, or what is wrong with it. */
function parseEntry(text: string): ApiKeyEntry | string {
  const fields = text.split(':');
  const [name = '', secret = '', role] =
    fields.length === 1 ? [DEFAULT_KEY_NAME, text, 'admin'] : fields;
  if (fields.length !== 1 && fields.length !== 3) {
    return 'must be name:secret:role, or a secret alone';
  }
  if (!NAME_PATTERN.test(name)) return 'must have a name of 1 to 64 letters, digits, _ or -';
  if (!SECRET_PATTERN.test(secret)) {
    return 'must have a secret of 1 to 256 printable ASCII characters without space, comma or colon';
  }
  if (!isRole(role)) return `must have one of the roles ${ROLES.join(', ')}`;
  return { name, secret, role };
}

interface DigestedKey {
  readonly digest: Buffer;
  readonly caller: ApiCaller;
}

/** The keys of the REST API. */
export class ApiKeys {
  readonly #keys: readonly DigestedKey[];

  constructor(entries: readonly ApiKeyEntry[]) {
    this.#keys = entries.map(({ name, secret, role }) => ({
      digest: digestOf(secret),
      caller: Object.freeze({ name, role }),
    }));
  }

  /**
   * Who presents this `Authorization` header, or null. Digests make all comparisons equally long,
   * and every key is compared, so the time tells neither a prefix of a secret nor its place.
   */
  check(authorization: string | undefined): ApiCaller | null {
    const secret = bearerOf(authorization);
    if (secret === null) return null;
    const presented = digestOf(secret);
    let found: ApiCaller | null = null;
    for (const key of this.#keys) {
      if (timingSafeEqual(key.digest, presented)) found = key.caller;
    }
    return found;
  }
}

/** The credentials of a `Bearer` header (its scheme in any case), or null. */
export function bearerOf(authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length > AUTHORIZATION_MAX_BYTES) return null;
  if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return null;
  return authorization.slice(SCHEME.length).trim();
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
