import type { ServerFrame, WelcomeFrame } from '@halley/shared/protocol';
import { Connection, type ConnectionEvents } from './connection.js';
import type { ConnectionState } from './connection-state.js';
import type { ClientFrame } from './frames.js';
import type { Note } from './line.js';
import { addTo } from './multimap.js';
import { QueueRelay } from './queue-relay.js';
import type { SeekerOptions } from './seeker.js';
import type { Position } from './types.js';

/** Brings a note to some of the tabs. */
export type Deliver = (tabs: readonly string[], note: Note) => void;

/** A ref begins with the tab that asked. */
export const REF_SEPARATOR = '.';

/**
 * One connection for several tabs: joins what they ask for, gives each the answers to its own questions and
 * the messages of its own channels. Where nothing is shared it serves one tab.
 */
export class Hub implements ConnectionEvents {
  readonly #connection: Connection;
  #deliver: Deliver;
  /** With how far each had seen the queue when it came, until it was brought up to date. */
  readonly #tabs = new Map<string, Position | null>();
  /** Channels that are held or asked for, with the tabs that want them. */
  readonly #holders = new Map<string, Set<string>>();
  readonly #queue: QueueRelay;
  /** The connection, while there is one. */
  #up: string | null = null;
  #isAckDue = false;

  /** @param queue as far as this tab knows it */
  constructor(options: SeekerOptions, queue: QueueRelay, deliver: Deliver) {
    this.#deliver = deliver;
    this.#queue = new QueueRelay(queue);
    this.#connection = new Connection(options, this);
  }

  onState(state: ConnectionState): void {
    this.#tellAll({ type: 'state', state });
  }

  queueAfter(): Position | null {
    return this.#queue.position;
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  start(): void {
    this.#connection.start();
  }

  /** Nobody is told: whoever ends it knows. */
  stop(): void {
    this.#deliver = () => undefined;
    this.#acknowledge();
    this.#connection.stop();
  }

  wake(): void {
    this.#connection.wake();
  }

  /** A tab comes, or comes anew. @param queueAfter how far it has seen the queue */
  join(tab: string, queueAfter: Position | null): void {
    this.#releaseAll(tab);
    this.#tabs.set(tab, queueAfter);
    this.#tell(tab, { type: 'state', state: this.state });
    if (this.#up) this.#bringUp(tab);
  }

  /** @param gap of the queue, which concerns all */
  #bringUp(tab: string, gap: Position | null = null): void {
    const queueAfter = this.#tabs.get(tab);
    this.#tabs.set(tab, null);
    const { position } = this.#queue;
    const missed = queueAfter ? this.#queue.after(queueAfter) : [];
    this.#tell(tab, {
      type: 'up',
      connectionId: this.#up as string,
      queuePosition: position,
      gap: missed ? gap : position,
    });
    for (const frame of missed ?? []) this.#tell(tab, frameNote(frame));
  }

  leave(tab: string): void {
    this.#releaseAll(tab);
    this.#tabs.delete(tab);
  }

  receive(tab: string, frames: readonly ClientFrame[]): void {
    if (!this.#up || !this.#tabs.has(tab)) return;
    this.#connection.send(frames.flatMap((frame) => this.#forwarded(tab, frame)));
  }

  #forwarded(tab: string, frame: ClientFrame): ClientFrame[] {
    if (frame.type === 'unsubscribe') return this.#release(tab, frame.channel);
    if (frame.type === 'subscribe') addTo(this.#holders, frame.channel, tab);
    return [frame];
  }

  /** @returns what the edge has to be told */
  #release(tab: string, channel: string): ClientFrame[] {
    const holders = this.#holders.get(channel);
    if (holders?.delete(tab) !== true || holders.size > 0) return [];
    this.#holders.delete(channel);
    // Nobody waits for the answer.
    return [{ type: 'unsubscribe', ref: 0, channel }];
  }

  #releaseAll(tab: string): void {
    const frames = [...this.#holders.keys()].flatMap((channel) => this.#release(tab, channel));
    if (frames.length > 0) this.#connection.send(frames);
  }

  onUp(welcome: WelcomeFrame): void {
    const gap = this.#queue.welcomed(welcome);
    this.#up = welcome.connectionId;
    for (const tab of this.#tabs.keys()) this.#bringUp(tab, gap);
  }

  onDown(): void {
    this.#up = null;
    this.#holders.clear();
    this.#tellAll({ type: 'down' });
  }

  onFrame(frame: ServerFrame): void {
    if ('ref' in frame && frame.ref !== undefined) {
      const [tab = ''] = `${frame.ref}`.split(REF_SEPARATOR);
      if (this.#tabs.has(tab)) this.#tell(tab, frameNote(frame));
    } else if (frame.type === 'private') this.#private(frame);
    else if ('channel' in frame && frame.channel !== undefined) {
      this.#deliver([...(this.#holders.get(frame.channel) ?? [])], frameNote(frame));
      if (frame.type === 'unsubscribed') this.#holders.delete(frame.channel);
    } else {
      if (frame.type === 'gap') this.#queue.jump(frame.position);
      this.#tellAll(frameNote(frame));
    }
  }

  #private(frame: Extract<ServerFrame, { type: 'private' }>): void {
    if (!this.#queue.take(frame)) return;
    this.#tellAll(frameNote(frame));
    // Not later: a page that is closed may take it along.
    if (!this.#isAckDue) queueMicrotask(() => this.#acknowledge());
    this.#isAckDue = true;
  }

  #acknowledge(): void {
    const { position } = this.#queue;
    if (this.#isAckDue && position) this.#connection.send([{ type: 'ack', id: position }]);
    this.#isAckDue = false;
  }

  #tell(tab: string, note: Note): void {
    this.#deliver([tab], note);
  }

  #tellAll(note: Note): void {
    this.#deliver([...this.#tabs.keys()], note);
  }
}

function frameNote(frame: ServerFrame): Note {
  return { type: 'frame', frame };
}
