/** A chat room of one Artillery worker: talk begins when all who have a seat have joined. */

import { EventEmitter, once } from 'node:events';

/** A room that does not fill up begins with those who are there. */
const SEATS_OPEN_MS = 3_000;
const COMPLETE_DEADLINE_MS = 15_000;

export class Room {
  seats = 0;
  #joined = 0;
  #isClosed = false;
  #events = new EventEmitter().setMaxListeners(0);

  constructor(name, size) {
    this.name = name;
    this.size = size;
    setTimeout(() => this.#close(), SEATS_OPEN_MS);
  }

  get hasSeats() {
    return !this.#isClosed;
  }

  sit() {
    this.seats += 1;
    if (this.seats === this.size) this.#close();
  }

  /** Resolves when everybody has joined. @throws Error when that takes too long */
  async join() {
    const complete = once(this.#events, 'complete', {
      signal: AbortSignal.timeout(COMPLETE_DEADLINE_MS),
    });
    this.#joined += 1;
    this.#look();
    await complete;
  }

  #close() {
    this.#isClosed = true;
    this.#look();
  }

  #look() {
    if (this.#isClosed && this.#joined === this.seats) this.#events.emit('complete');
  }
}
