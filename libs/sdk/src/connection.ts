import {
  adviceOf,
  type GoodbyeFrame,
  type Position,
  type ServerFrame,
  type WelcomeFrame,
} from '@halley/shared/protocol';
import type { Carrier } from './carrier.js';
import type { BareState, ConnectionState } from './connection-state.js';
import type { ClientFrame } from './frames.js';
import { Renewal } from './renewal.js';
import { Seeker, type SeekerEvents, type SeekerOptions } from './seeker.js';
import { later } from './timings.js';
import type { LinkEnd } from './transports/transport.js';

export interface ConnectionEvents {
  /** From now on frames can be sent; what was asked of the link before is lost. */
  onUp(welcome: WelcomeFrame): void;
  onDown(): void;
  onFrame(frame: ServerFrame): void;
  onState(state: ConnectionState): void;
  /** How far this client has seen its queue. */
  queueAfter(): Position | null;
}

/** Keeps one link to one of the nodes: takes it as the seeker finds it, replaces it, lets it go. */
export class Connection implements SeekerEvents {
  readonly #options: SeekerOptions;
  readonly #events: ConnectionEvents;
  readonly #seeker: Seeker;
  #state: ConnectionState = { name: 'idle' };
  #current: Carrier | null = null;
  #renewal: Renewal | null = null;
  #cancelLeave: () => void = () => undefined;
  #cancelHome: () => void = () => undefined;
  #code: string | undefined;

  constructor(options: SeekerOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.#seeker = new Seeker(options, this);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Once. */
  start(): void {
    this.#seeker.seek();
  }

  stop(): void {
    this.#seeker.cancel();
    this.#drop()?.close();
  }

  /** The machine or the page may have slept. */
  wake(): void {
    if (this.#current !== null) this.#current.wake();
    else if (this.#state.name === 'waiting') this.#seeker.seek();
  }

  send(frames: readonly ClientFrame[]): void {
    this.#current?.send(frames);
  }

  onTrying(node: string): void {
    this.#show({ name: 'connecting', node });
  }

  onWaiting(retryInMs: number): void {
    this.#show({ name: 'waiting', retryInMs });
  }

  queueAfter(): Position | null {
    return this.#events.queueAfter();
  }

  onWelcome(carrier: Carrier, welcome: WelcomeFrame): void {
    this.#replace(carrier);
    const { connectionId, edgeId, clientId, expiresAt } = welcome;
    this.#renewal?.schedule(expiresAt);
    this.#events.onUp(welcome);
    this.#move({ name: 'connected', ...carrier.route, connectionId, edgeId, clientId });
  }

  /** Only what is welcome takes over; the one before has delivered until now. */
  #replace(carrier: Carrier): void {
    this.#drop()?.close();
    this.#current = carrier;
    this.#renewal = new Renewal(this.#options.tokens, (frames) => carrier.send(frames));
    if (!this.#options.routes.isBest(carrier.route)) this.#planReturn();
  }

  /** @returns what was the current one */
  #drop(): Carrier | null {
    const before = this.#current;
    this.#current = null;
    this.#cancelHome();
    this.#cancelLeave();
    this.#renewal?.stop();
    this.#renewal = null;
    if (before !== null) this.#events.onDown();
    return before;
  }

  onFrame(carrier: Carrier, frame: ServerFrame): void {
    if (carrier !== this.#current || this.#renewal?.takes(frame) === true) return;
    if (frame.type === 'goodbye') this.#leave(frame);
    else this.#events.onFrame(frame);
  }

  /** The edge goes away: the next link is sought while this one still delivers. */
  #leave({ code, retryAfterMs }: GoodbyeFrame): void {
    if (adviceOf(code) === 'stop') return;
    const avoid = this.#current?.route.node ?? null;
    this.#cancelHome();
    this.#cancelLeave();
    this.#cancelLeave = later(retryAfterMs, () => this.#seeker.seek({ avoid }));
  }

  onEnd(carrier: Carrier, end: LinkEnd): void {
    if (carrier !== this.#current) return;
    this.#code = end.code;
    const isOnItsWay = this.#seeker.tryingNode;
    this.#drop();
    if (carrier.hasHeld) this.#seeker.forgive();
    if (isOnItsWay !== null) this.#show({ name: 'connecting', node: isOnItsWay });
    else if (!this.#seeker.isRefused(end)) {
      const isNodeLost = end.advice === 'reconnect' || end.code === 'draining';
      const delayMs = this.#seeker.delayAfterLoss(carrier, end);
      this.#seeker.seek({ delayMs, avoid: isNodeLost ? carrier.route.node : null });
    }
  }

  onRefused(name: 'closed' | 'unauthorized', code: string | undefined): void {
    this.#code = code;
    this.stop();
    this.#move({ name });
  }

  /** Back to the best route once it is there again; each page at a time of its own. */
  #planReturn(): void {
    const { homeMs } = this.#options.timings;
    this.#cancelHome = later(homeMs * (0.5 + Math.random() / 2), () => {
      this.#planReturn();
      this.#seeker.seek({ isHomeward: true });
    });
  }

  /** What the seeker does shows only where there is nothing better. */
  #show(state: BareState): void {
    if (this.#current === null) this.#move(state);
  }

  #move(state: BareState): void {
    this.#state = { ...state, code: this.#code };
    this.#events.onState(this.#state);
  }
}
