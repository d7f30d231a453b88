import type { ClientFrame } from '../frames.js';
import type { Line } from '../line.js';
import { later } from '../timings.js';
import { type GroupOptions, Leader, lockOf } from './leader.js';
import { acquire, type HeldLock } from './locks.js';
import type { FromLeader, TabMessage } from './messages.js';

/** Times the patience with a silent leader: how often it is asked. */
const WATCH_FACTOR = 5;

/**
 * The tabs of one identity: one of them, elected by a lock, holds the connection and serves the others.
 * When it ends, the next one in the queue of the lock takes over; to a session that is a reconnect.
 */
export class Group implements Line {
  readonly #options: GroupOptions;
  #channel: BroadcastChannel | null = null;
  #life: HeldLock | null = null;
  #lead: HeldLock | null = null;
  #leader: Leader | null = null;
  /** The tab that leads, as far as this one knows. */
  #leaderId: string | null = null;
  #cancelWait: () => void = () => undefined;
  #cancelWatch: () => void = () => undefined;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  get sharing(): 'leader' | 'follower' {
    return this.#leader === null ? 'follower' : 'leader';
  }

  start(): void {
    const channel = new BroadcastChannel(this.#options.name);
    this.#channel = channel;
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#receive(data);
    acquire(lockOf(this.#options, this.#options.tab), (life) => {
      if (this.#channel === null) {
        life.release();
        return;
      }
      this.#life = life;
      this.#queueUp();
      this.#ask();
    });
  }

  /** Leaves the group: the others go on. */
  stop(): void {
    this.#tell('bye');
    this.#leader?.stop();
    this.#cancelWait();
    this.#cancelWatch();
    this.#lead?.release();
    this.#life?.release();
    this.#channel?.close();
    this.#channel = null;
  }

  wake(): void {
    this.#leader?.wake();
    this.#tell('wake');
  }

  send(frames: readonly ClientFrame[]): void {
    this.#leader?.send(frames);
    this.#tell('frames', { frames });
  }

  /** Waits for its turn to lead. */
  #queueUp(steal = false): void {
    this.#cancelWait();
    this.#cancelWait = acquire(
      this.#options.name,
      (lock) => {
        if (this.#channel !== null && this.#leader === null) this.#takeOver(lock);
        else lock.release();
      },
      () => this.#stepDown(),
      steal,
    );
  }

  #takeOver(lock: HeldLock): void {
    this.#cancelWatch();
    if (this.#leaderId !== null) this.#options.onNote({ type: 'down' });
    this.#leaderId = null;
    this.#lead = lock;
    this.#leader = new Leader(this.#options, (message) => this.#post(message));
    this.#leader.start();
  }

  /** Another tab took this one for dead. */
  #stepDown(): void {
    if (this.#leader === null) return;
    this.#lead = null;
    this.#leader.stop();
    this.#leader = null;
    this.#options.onNote({ type: 'down' });
    this.#queueUp();
    this.#ask();
  }

  /** Asks who leads. A page that is frozen holds its lock and says nothing: then it is taken away. */
  #ask(): void {
    this.#post({ type: 'who', from: this.#options.tab });
    this.#cancelWatch();
    this.#cancelWatch = later(this.#options.seeker.timings.leaderMs, () => this.#queueUp(true));
  }

  #receive(message: TabMessage): void {
    if (this.#leader !== null) this.#leader.receive(message);
    else if (message.type === 'leader') this.#follow(message.from);
    else if ('from' in message && message.from === this.#leaderId)
      this.#hear(message as FromLeader);
  }

  #follow(leaderId: string): void {
    this.#watch();
    if (this.#life === null || this.#leaderId === leaderId) return;
    if (this.#leaderId !== null) this.#options.onNote({ type: 'down' });
    this.#leaderId = leaderId;
    this.#tell('hello', { queueAfter: this.#options.queue.position });
  }

  #hear(message: FromLeader): void {
    this.#watch();
    if (message.type === 'note' && message.to.includes(this.#options.tab))
      this.#options.onNote(message.note);
  }

  /** What is said shows that the leader is there; later it is asked. */
  #watch(): void {
    this.#cancelWatch();
    const { leaderMs } = this.#options.seeker.timings;
    this.#cancelWatch = later(WATCH_FACTOR * leaderMs, () => this.#ask());
  }

  /** Tells the leader, if it is another tab. */
  #tell(type: 'hello' | 'bye' | 'wake' | 'frames', more?: object): void {
    const to = this.#leaderId;
    if (to === null) return;
    this.#post({ type, from: this.#options.tab, to, ...more } as TabMessage);
    this.#ask();
  }

  #post(message: TabMessage): void {
    this.#channel?.postMessage(message);
  }
}
