import type { Position, ServerFrame, WelcomeFrame } from '@halley/shared/protocol';
import { Carrier, type CarrierEvents } from './carrier.js';
import type { Route, Routes } from './routes.js';
import { fullJitter, later, type Timings } from './timings.js';
import type { Tokens } from './tokens.js';
import type { Env, LinkEnd, Transport } from './transports/transport.js';

export interface SeekerOptions {
  readonly routes: Routes;
  readonly tokens: Tokens;
  readonly client: string | null;
  readonly transports: readonly Transport[];
  readonly env: Env;
  readonly timings: Timings;
}

export interface SeekerEvents {
  onTrying(node: string): void;
  onWaiting(retryInMs: number): void;
  onWelcome(carrier: Carrier, welcome: WelcomeFrame): void;
  onFrame(carrier: Carrier, frame: ServerFrame): void;
  /** Of a carrier that was welcome. */
  onEnd(carrier: Carrier, end: LinkEnd): void;
  /** Seeking on is of no use. */
  onRefused(state: 'closed' | 'unauthorized', code: string | undefined): void;
  queueAfter(): Position | null;
}

export interface Quest {
  /** Before the first attempt. */
  readonly delayMs?: number;
  /** A node that is tried last. */
  readonly avoid?: string | null;
  /** Only a try at the node of the start: there is a connection that is good enough. */
  readonly isHomeward?: boolean;
}

/** Refusals of a token in a row, the second of which was a new one. */
const REFUSALS_MAX = 2;
const REVOKED_MS = 1_000;

/** Finds a link: goes through the routes, round after round, until one is welcome or all is refused. */
export class Seeker implements CarrierEvents {
  readonly #options: SeekerOptions;
  readonly #events: SeekerEvents;
  #quest: Quest = {};
  #candidate: Carrier | null = null;
  #cancelWait: () => void = () => undefined;
  /** Attempts that were begun before belong to the past. */
  #run = 0;
  #failures = 0;
  #refusals = 0;
  #retryAfterMs = 0;

  constructor(options: SeekerOptions, events: SeekerEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** The node that is being tried, in earnest. */
  get tryingNode(): string | null {
    if (this.#candidate === null || this.#quest.isHomeward === true) return null;
    return this.#candidate.route.node;
  }

  /** Begins anew, whatever was under way. */
  seek(quest: Quest = {}): void {
    this.cancel();
    this.#quest = quest;
    if (quest.delayMs) this.#wait(quest.delayMs);
    else this.#beginRound();
  }

  cancel(): void {
    this.#run += 1;
    this.#cancelWait();
    this.#candidate?.close();
    this.#candidate = null;
  }

  /** What failed before was something else. */
  forgive(): void {
    this.#failures = 0;
    this.#refusals = 0;
  }

  /** @returns ms to wait after a link that had worked was lost */
  delayAfterLoss(carrier: Carrier, { advice, retryAfterMs = 0 }: LinkEnd): number {
    if (!carrier.hasHeld) this.#failures += 1;
    const isAtOnce = advice === 'resume' && carrier.hasHeld;
    return retryAfterMs + (isAtOnce ? 0 : fullJitter(this.#failures, this.#options.timings));
  }

  /** An attempt has come to nothing; goes on with the next one. */
  #failed({ route }: Carrier, end: LinkEnd): void {
    this.#candidate = null;
    if (this.#quest.isHomeward === true || this.isRefused(end)) return;
    this.#retryAfterMs = Math.max(this.#retryAfterMs, end.retryAfterMs ?? 0);
    this.#options.routes.failed(route, end.isAnswer === true);
    void this.#attempt();
  }

  /** @returns true where this end was no matter of the link: it was acted on */
  isRefused({ advice, code }: LinkEnd): boolean {
    const { tokens } = this.#options;
    if (advice === 'stop') this.#events.onRefused('closed', code);
    else if (advice !== 'renew-token') return false;
    else if (tokens.isRenewable && this.#refusals < REFUSALS_MAX - 1) {
      this.#refusals += 1;
      tokens.forget();
      // A revocation covers what is signed within the same second.
      this.seek({ delayMs: code === 'token-revoked' ? REVOKED_MS * (1 + Math.random()) : 0 });
    } else this.#events.onRefused('unauthorized', code);
    return true;
  }

  onWelcome(carrier: Carrier, welcome: WelcomeFrame): void {
    this.#options.routes.worked(carrier.route);
    this.#candidate = null;
    this.#events.onWelcome(carrier, welcome);
  }

  onFrame(carrier: Carrier, frame: ServerFrame): void {
    this.#events.onFrame(carrier, frame);
  }

  onEnd(carrier: Carrier, end: LinkEnd): void {
    if (carrier === this.#candidate) this.#failed(carrier, end);
    else this.#events.onEnd(carrier, end);
  }

  #beginRound(): void {
    const { routes } = this.#options;
    const { avoid = null, isHomeward } = this.#quest;
    this.#retryAfterMs = 0;
    if (isHomeward === true) routes.beginHome();
    else routes.begin(avoid);
    void this.#attempt();
  }

  /** Tries the next route of the round, or waits for the next round. */
  async #attempt(): Promise<void> {
    this.#run += 1;
    const run = this.#run;
    const { routes, tokens, timings } = this.#options;
    const route = routes.next();
    if (route === null) {
      this.#failures += 1;
      this.#wait(this.#retryAfterMs + fullJitter(this.#failures, timings));
      return;
    }
    this.#events.onTrying(route.node);
    try {
      const token = await tokens.get();
      if (run === this.#run) this.#candidate = this.#open(route, token);
    } catch {
      // What the application threw was told to it.
      if (run !== this.#run || this.#quest.isHomeward === true) return;
      this.#events.onRefused('unauthorized', undefined);
    }
  }

  #open(route: Route, token: string | null): Carrier {
    const { client, env, timings, transports } = this.#options;
    const transport = transports.find(({ name }) => name === route.transport);
    const queueAfter = this.#events.queueAfter();
    const { welcomeMs } = timings;
    const options = { node: route.node, token, client, queueAfter, env, welcomeMs };
    return new Carrier(route, transport as Transport, options, timings, this);
  }

  #wait(delayMs: number): void {
    this.#events.onWaiting(delayMs);
    this.#cancelWait = later(delayMs, () => this.#beginRound());
  }
}
