import type { Socket } from 'node:net';

/** One way of a connection that takes its time: every byte arrives, in order, and late. */
export class LateBytes {
  readonly #to: Socket;
  readonly #delayMs: () => number;
  readonly #late: { readonly bytes: Buffer; readonly atMs: number }[] = [];

  /** @param delayMs of what is sent now */
  constructor(to: Socket, delayMs: () => number) {
    this.#to = to;
    this.#delayMs = delayMs;
  }

  send(bytes: Buffer): void {
    this.#late.push({ bytes, atMs: performance.now() + this.#delayMs() });
    // Else a timer is under way.
    if (this.#late.length === 1) this.#pass();
  }

  /** What was sent later never overtakes, though it has to wait for less, and however late a timer is. */
  #pass(): void {
    const late = this.#late;
    while (late[0] !== undefined && late[0].atMs <= performance.now()) {
      this.#to.write(late.shift()?.bytes ?? '');
    }
    if (late[0] !== undefined) setTimeout(() => this.#pass(), late[0].atMs - performance.now());
  }
}
