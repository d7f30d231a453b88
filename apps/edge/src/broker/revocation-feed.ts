import type { Revocations } from '@halley/shared/auth';
import { type CommandClient, REVOKED_KEY } from '@halley/shared/redis';

/** Keeps an edge's copy of `halley:revoked` fresh, so that a connect asks nobody. */
export class RevocationFeed {
  readonly #redis: CommandClient;
  readonly #revocations: Revocations;
  readonly #onChange: () => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param onChange called after each reload: live connections may have lost their right */
  constructor(redis: CommandClient, revocations: Revocations, onChange: () => void) {
    this.#redis = redis;
    this.#revocations = revocations;
    this.#onChange = onChange;
  }

  /** @throws if the first load fails: an edge that does not know who is revoked lets nobody in */
  async start(reloadMs: number): Promise<void> {
    await this.reload();
    this.#timer = setInterval(() => {
      this.reload().catch(() => undefined);
    }, reloadMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async reload(): Promise<void> {
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const flat = await this.#redis.zrangebyscore(REVOKED_KEY, nowSeconds, '+inf', 'WITHSCORES');
    const entries: [string, number][] = [];
    for (let at = 0; at + 1 < flat.length; at += 2) {
      entries.push([String(flat[at]), Number(flat[at + 1])]);
    }
    this.#revocations.load(entries);
    this.#onChange();
  }
}
