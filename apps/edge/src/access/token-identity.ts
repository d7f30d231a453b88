import {
  type Claims,
  type RevocableToken,
  TOKEN_LEEWAY_SECONDS,
  type TokenRights,
} from '@halley/shared/auth';
import type { RawJson } from '@halley/shared/protocol';
import type { Identity, Visitor } from '../core/ports/authorizer.js';

type Rights = Omit<TokenRights, 'clientId'>;

/** Of tokens without lists. */
const NO_LIST: readonly string[] = [];
/** By the first list that there is: equal lists are one object already. */
const pool = new WeakMap<readonly string[], Rights[]>();

/**
 * An identity by a token. There are a million: what tokens have in common is shared, and no number is kept
 * that would be an object of its own.
 */
export class TokenIdentity implements Identity, TokenRights, RevocableToken {
  readonly clientId: string;
  readonly info: RawJson | null;
  readonly jti: string | undefined;
  readonly issuedAtSeconds: number | undefined;
  readonly #rights: Rights;
  /** Taken in its leeway, it holds to the end of it. */
  readonly #holdsUntilSeconds: number;
  /** Without a value until it has one: most have none. */
  declare visitor?: Visitor;

  constructor(claims: Claims, nowMs: number) {
    const { clientId, info = null, jti, issuedAtSeconds, expiresAtSeconds } = claims;
    this.clientId = clientId;
    this.info = info;
    this.jti = jti;
    this.issuedAtSeconds = issuedAtSeconds;
    this.#rights = rightsOf(claims);
    const isPast = expiresAtSeconds * 1_000 <= nowMs;
    this.#holdsUntilSeconds = expiresAtSeconds + (isPast ? TOKEN_LEEWAY_SECONDS : 0);
  }

  get expiresAtMs(): number {
    return this.#holdsUntilSeconds * 1_000;
  }

  get subscribe(): readonly string[] | undefined {
    return this.#rights.subscribe;
  }

  get publish(): readonly string[] | undefined {
    return this.#rights.publish;
  }

  get presence(): readonly string[] | undefined {
    return this.#rights.presence;
  }

  get channel(): string | undefined {
    return this.#rights.channel;
  }
}

/** The same object for equal lists, but for a token of one channel, which is not kept for long. */
function rightsOf({ subscribe, publish, presence, channel }: Claims): Rights {
  const rights = { subscribe, publish, presence, channel };
  if (channel !== undefined) return rights;
  const key = subscribe ?? publish ?? presence ?? NO_LIST;
  const pooled = pool.get(key) ?? [];
  const known = pooled.find(
    (one) => one.subscribe === subscribe && one.publish === publish && one.presence === presence,
  );
  if (known !== undefined) return known;
  pooled.push(rights);
  pool.set(key, pooled);
  return rights;
}
