import type { ClientFrame } from '../frames.js';
import { Hub } from '../hub.js';
import type { Line, Note } from '../line.js';
import type { QueueRelay } from '../queue-relay.js';
import type { SeekerOptions } from '../seeker.js';
import type { Position } from '../types.js';
import { acquire } from './locks.js';
import type { TabMessage } from './messages.js';

export interface GroupOptions {
  /** This one. */
  readonly tab: string;
  /** The same for the tabs that may share, and for no others. */
  readonly name: string;
  readonly seeker: SeekerOptions;
  /** As this tab has heard it, whoever led. */
  readonly queue: QueueRelay;
  onNote(note: Note): void;
}

/** Name of the lock that a tab holds for as long as it lives. */
export function lockOf({ name }: GroupOptions, tab: string): string {
  return `${name}:${tab}`;
}

/** The tab that holds the connection, and serves the others, if there are any, with it. */
export class Leader implements Line {
  readonly #options: GroupOptions;
  readonly #post: (message: TabMessage) => void;
  readonly #hub: Hub;
  /** Gives up waiting for the end of a tab. */
  readonly #watches = new Map<string, () => void>();

  /** @param post to the other tabs, if there are any */
  constructor(options: GroupOptions, post: (message: TabMessage) => void = () => undefined) {
    this.#options = options;
    this.#post = post;
    this.#hub = new Hub(options.seeker, options.queue, (tabs, note) => this.#deliver(tabs, note));
  }

  /** Tells the other tabs, and connects. */
  start(): void {
    const { tab, queue } = this.#options;
    this.#hub.join(tab, queue.position);
    this.#post({ type: 'leader', from: tab });
    this.#hub.start();
  }

  stop(): void {
    for (const giveUp of this.#watches.values()) giveUp();
    this.#watches.clear();
    this.#hub.stop();
  }

  wake(): void {
    this.#hub.wake();
  }

  send(frames: readonly ClientFrame[]): void {
    this.#hub.receive(this.#options.tab, frames);
  }

  receive(message: TabMessage): void {
    const { tab } = this.#options;
    if (message.type === 'who') this.#post({ type: 'leader', from: tab });
    if (!('to' in message) || message.to !== tab) return;
    const { from } = message;
    if (message.type === 'hello') this.#welcome(from, message.queueAfter);
    else if (message.type === 'bye') this.#forget(from);
    else if (message.type === 'frames') this.#hub.receive(from, message.frames);
    else if (message.type === 'wake') this.wake();
  }

  #welcome(tab: string, queueAfter: Position | null): void {
    if (!this.#watches.has(tab)) {
      // It is granted when the tab has ended, however it ended.
      const giveUp = acquire(lockOf(this.#options, tab), (lock) => {
        lock.release();
        this.#forget(tab);
      });
      this.#watches.set(tab, giveUp);
    }
    this.#hub.join(tab, queueAfter);
  }

  #forget(tab: string): void {
    this.#watches.get(tab)?.();
    this.#watches.delete(tab);
    this.#hub.leave(tab);
  }

  #deliver(tabs: readonly string[], note: Note): void {
    const { tab, onNote } = this.#options;
    const others = tabs.filter((one) => one !== tab);
    if (others.length > 0) this.#post({ type: 'note', from: tab, to: others, note });
    if (others.length < tabs.length) onNote(note);
  }
}
