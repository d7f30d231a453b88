import { HalleyError } from './errors.js';
import { isToken } from './options.js';
import { fullJitter, later, type Timings } from './timings.js';

type GetToken = () => string | Promise<string>;

const ATTEMPTS = 3;

/** What a JWT says, without looking at its signature; empty where it is none. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const base64 = (token.split('.')[1] as string).replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The token of this client: asked for when it is needed, kept until it is refused or runs out. */
export class Tokens {
  readonly #getToken: GetToken | undefined;
  readonly #timings: Timings;
  readonly #onFault: (error: HalleyError) => void;
  #current: string | null;
  #obtainedAt = Date.now();
  #asked: Promise<string> | null = null;
  /** Whose tokens these are. */
  #subject: unknown;

  /** @param onFault is told each time that the application gave none */
  constructor(
    token: string | undefined,
    getToken: GetToken | undefined,
    timings: Timings,
    onFault: (error: HalleyError) => void,
  ) {
    this.#onFault = onFault;
    this.#current = token ?? null;
    this.#getToken = getToken;
    this.#timings = timings;
  }

  /** Another one can be had. */
  get isRenewable(): boolean {
    return this.#getToken !== undefined;
  }

  /**
   * @returns null for clients without a token
   * @throws HalleyError `token-failed`, after some attempts
   */
  async get(): Promise<string | null> {
    if (this.#current !== null || this.#getToken === undefined) return this.#current;
    this.#asked ??= this.#ask(this.#getToken).finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  /** The next `get` asks the application. */
  forget(): void {
    if (this.isRenewable) this.#current = null;
  }

  /**
   * Until the token has to be renewed. The clock of this machine may be wrong, so what the token says of
   * its own length counts more.
   * @param expiresAt unix ms @returns ms
   */
  renewInMs(expiresAt: number): number {
    const { iat, exp } = claimsOf(this.#current ?? '') as { iat: number; exp: number };
    const byClock = expiresAt - Date.now();
    const byLength = (exp - iat) * 1_000 - (Date.now() - this.#obtainedAt);
    const leftMs = byClock > byLength || byClock < 0 ? byLength || byClock : byClock;
    // Not all clients of a backend at once.
    const marginMs = Math.min(this.#timings.renewMs, leftMs / 5) * (1 + Math.random());
    return Math.max(1_000, leftMs - marginMs);
  }

  async #ask(getToken: GetToken): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return this.#accept(await inTime(getToken, this.#timings.tokenMs));
      } catch (cause) {
        const error = new HalleyError('token-failed', { cause });
        this.#onFault(error);
        if (attempt === ATTEMPTS) throw error;
      }
      await new Promise<void>((resolve) => later(fullJitter(attempt, this.#timings), resolve));
    }
  }

  #accept(token: string): string {
    const { sub } = claimsOf(token);
    // What was subscribed and queued belongs to the one who began.
    if (!isToken(token) || (this.#subject !== undefined && sub !== this.#subject)) {
      throw new Error('not a token of this client');
    }
    this.#subject = sub;
    this.#current = token;
    this.#obtainedAt = Date.now();
    return token;
  }
}

async function inTime<T>(ask: () => T | Promise<T>, limitMs: number): Promise<T> {
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = later(limitMs, () => reject(new HalleyError('timeout')));
  });
  // What throws at once counts as what rejects.
  return Promise.race([late, (async () => ask())()]).finally(cancel);
}
