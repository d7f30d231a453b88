import type { Ref, ServerFrame } from '@halley/shared/protocol';
import type { ClientFrame } from './frames.js';
import { later } from './timings.js';
import type { Tokens } from './tokens.js';

const REF = 'auth';
const RETRY_MS = 5_000;

/** Gives a connection a new token before its own one runs out. */
export class Renewal {
  readonly #tokens: Tokens;
  readonly #send: (frames: readonly ClientFrame[]) => void;
  #cancel: () => void = () => undefined;
  #isStopped = false;

  constructor(tokens: Tokens, send: (frames: readonly ClientFrame[]) => void) {
    this.#tokens = tokens;
    this.#send = send;
  }

  /** @param expiresAt unix ms; undefined: no token, or one that nobody renews */
  schedule(expiresAt: number | undefined): void {
    this.#cancel();
    if (expiresAt === undefined || !this.#tokens.isRenewable || this.#isStopped) return;
    this.#cancel = later(this.#tokens.renewInMs(expiresAt), () => void this.#renew());
  }

  /** @returns false where the frame is none of its own */
  takes(frame: ServerFrame): boolean {
    if ((frame as { readonly ref?: Ref }).ref !== REF) return false;
    if (frame.type === 'authenticated') this.schedule(frame.expiresAt);
    // Refused: the edge ends the connection at the expiry, and the next one begins with a new token.
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #renew(): Promise<void> {
    this.#tokens.forget();
    try {
      const token = await this.#tokens.get();
      if (token !== null && !this.#isStopped) this.#send([{ type: 'auth', ref: REF, token }]);
    } catch {
      if (!this.#isStopped) this.#cancel = later(RETRY_MS, () => void this.#renew());
    }
  }
}
