import type { ServerFrame, WelcomeFrame } from '@halley/shared/protocol';
import type { ClientFrame } from './frames.js';
import { Liveness, type LivenessEvents } from './liveness.js';
import type { Route } from './routes.js';
import { later, type Timings } from './timings.js';
import type { Link, LinkEnd, LinkEvents, LinkOptions, Transport } from './transports/transport.js';

export interface CarrierEvents {
  onWelcome(carrier: Carrier, welcome: WelcomeFrame): void;
  onFrame(carrier: Carrier, frame: ServerFrame): void;
  /** Once, and last; not after `close`. */
  onEnd(carrier: Carrier, end: LinkEnd): void;
}

/** A link from its opening to its end, held to its time limits. */
export class Carrier implements LinkEvents, LivenessEvents {
  readonly route: Route;
  readonly #events: CarrierEvents;
  readonly #timings: Timings;
  readonly #link: Link;
  readonly #openedMs = Date.now();
  #cancelDeadline: () => void;
  #liveness: Liveness | null = null;

  constructor(
    route: Route,
    transport: Transport,
    options: LinkOptions,
    timings: Timings,
    events: CarrierEvents,
  ) {
    this.route = route;
    this.#events = events;
    this.#timings = timings;
    this.#cancelDeadline = later(timings.welcomeMs, () =>
      this.onEnd({ advice: 'reconnect', code: 'deaf' }),
    );
    this.#link = transport.open(options, this);
  }

  /** It held for so long that its end is nothing of its beginning. */
  get hasHeld(): boolean {
    return Date.now() - this.#openedMs >= this.#timings.provedMs;
  }

  send(frames: readonly ClientFrame[]): void {
    this.#link.send(frames);
  }

  /** Looks at once whether it still stands. */
  wake(): void {
    this.#liveness?.wake();
  }

  ping(): void {
    this.#link.ping();
  }

  close(): void {
    this.#cancelDeadline();
    this.#liveness?.stop();
    this.#link.close();
  }

  onAlive(): void {
    this.#liveness?.alive();
  }

  onFrame(frame: ServerFrame): void {
    this.onAlive();
    if (frame.type === 'welcome') {
      this.#cancelDeadline();
      this.#liveness = new Liveness(frame.pingIntervalMs, this.#timings, this);
      this.#events.onWelcome(this, frame);
    } else if (frame.type !== 'pong') this.#events.onFrame(this, frame);
  }

  onDead(): void {
    this.onEnd({ advice: 'resume', code: 'silent' });
  }

  onEnd(end: LinkEnd): void {
    this.close();
    this.#events.onEnd(this, end);
  }
}
