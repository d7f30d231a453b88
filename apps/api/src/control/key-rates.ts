/** How much the API keys of one name may post, together at all apis. */

import { type Refusal, RefusedError, refusal } from '@halley/shared/protocol';
import { rateKey, reading, type Scripts } from '@halley/shared/redis';

/** A lease is for so long: the shorter, the fairer among apis; the longer, the fewer calls to Redis. */
const LEASE_SECONDS = 0.1;
/** What was leased is not kept for a later rush. */
const LEASE_LIFE_MS = 1_000;

interface Account {
  /** Leased and not spent. */
  tokens: number;
  leasedAtMs: number;
  /** When the bucket in Redis is full again, as far as is known: other apis only put it off. */
  fullAtMs: number;
  /** Tokens that calls wait for. */
  wanted: number;
  lease: Promise<void> | null;
}

/**
 * A token bucket in Redis, of which each api leases small portions ahead: a call asks Redis only if it
 * comes when the portion is spent, and one that is refused never does.
 */
export class KeyRates {
  readonly #scripts: Pick<Scripts, 'run'>;
  /** Tokens a second, and of a full bucket. */
  readonly #rate: number;
  readonly #portion: number;
  readonly #accounts = new Map<string, Account>();

  /** @param perSecond 0: no limit */
  constructor(scripts: Pick<Scripts, 'run'>, perSecond: number) {
    this.#scripts = scripts;
    this.#rate = perSecond;
    this.#portion = Math.ceil(perSecond * LEASE_SECONDS);
  }

  /**
   * Spends tokens of a key's name: at once where they are leased.
   * @returns why the call is refused, or null
   */
  spend(name: string, count: number): Refusal | null | Promise<Refusal | null> {
    if (this.#rate === 0) return null;
    const account = this.#accountOf(name);
    const nowMs = performance.now();
    if (nowMs - account.leasedAtMs > LEASE_LIFE_MS) account.tokens = 0;
    if (account.tokens < count) return this.#spendLater(name, account, count);
    account.tokens -= count;
    const isLow = account.tokens < this.#portion / 2;
    if (isLow && account.lease === null && this.#waitMs(account, 1) === 0) {
      // It is for those to come; whoever needs it will see that it failed.
      this.#lease(name, account, 1).catch(() => undefined);
    }
    return null;
  }

  async #spendLater(name: string, account: Account, count: number): Promise<Refusal | null> {
    account.wanted += count;
    try {
      while (account.tokens < count) {
        const needed = count - account.tokens;
        const waitMs = this.#waitMs(account, needed);
        if (waitMs > 0 && account.lease === null) return limited(this.#rate, waitMs);
        await (account.lease ?? this.#lease(name, account, needed));
      }
      account.tokens -= count;
      return null;
    } catch (error) {
      if (error instanceof RefusedError) return error.refusal;
      throw error;
    } finally {
      account.wanted -= count;
    }
  }

  /** How long so many are not there, ms; a full bucket lends what it does not hold. */
  #waitMs({ fullAtMs }: Account, count: number): number {
    const usedMs = Math.max(0, fullAtMs - performance.now());
    const depthMs = 1_000;
    const costMs = (Math.min(count, this.#rate) / this.#rate) * 1_000;
    return Math.max(0, usedMs + costMs - depthMs);
  }

  #lease(name: string, account: Account, needed: number): Promise<void> {
    const lease = this.#ask(name, account, needed).finally(() => {
      account.lease = null;
    });
    account.lease = lease;
    return lease;
  }

  async #ask(name: string, account: Account, needed: number): Promise<void> {
    const wanted = Math.max(needed, account.wanted - account.tokens) + this.#portion;
    const args = [this.#rate, this.#rate, wanted, needed];
    const answer = await reading(this.#scripts.run('lease', [rateKey(name)], args));
    const [leased, usedUs] = (answer as (number | string)[]).map(Number);
    const nowMs = performance.now();
    account.tokens += leased ?? 0;
    account.leasedAtMs = nowMs;
    account.fullAtMs = nowMs + (usedUs ?? 0) / 1_000;
  }

  #accountOf(name: string): Account {
    let account = this.#accounts.get(name);
    if (account === undefined) {
      account = { tokens: 0, leasedAtMs: 0, fullAtMs: 0, wanted: 0, lease: null };
      this.#accounts.set(name, account);
    }
    return account;
  }
}

function limited(rate: number, waitMs: number): Refusal {
  const text = `the keys of this name may post ${rate} messages a second`;
  return { ...refusal('rate-limited', text), retryAfterMs: Math.ceil(waitMs) };
}
