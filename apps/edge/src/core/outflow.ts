/**
 * Bytes that were handed out, each message once: no reader can have so many more waiting than have been
 * counted here.
 */
export class Outflow {
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether there were more than that since the last time that there were. */
  takeAbove(bytes: number): boolean {
    if (this.#bytes <= bytes) return false;
    this.#bytes = 0;
    return true;
  }
}
