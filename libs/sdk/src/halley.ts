import type { ConnectionState } from './connection-state.js';
import { Emitter } from './emitter.js';
import { envOf } from './env.js';
import { HalleyError } from './errors.js';
import { Keeper } from './keeper.js';
import { watchLife } from './lifecycle.js';
import type { Line, Note } from './line.js';
import { newName } from './names.js';
import {
  authorizeOf,
  badOption,
  type HalleyOptions,
  readOptions,
  type Settings,
} from './options.js';
import { Routes } from './routes.js';
import type { SeekerOptions } from './seeker.js';
import { Session } from './session.js';
import { Group } from './sharing/group.js';
import { identityOf } from './sharing/identity.js';
import { Leader } from './sharing/leader.js';
import { canShare } from './sharing/locks.js';
import type { MessageHandler, SubscribeOptions, Subscription } from './subscription.js';
import { Tokens } from './tokens.js';
import { ALL } from './transports/index.js';
import type {
  Gap,
  HistoryPage,
  MembersPage,
  Position,
  PrivateMessage,
  Published,
  Sharing,
  State,
} from './types.js';
import { channelOfClient, type Presence, presenceOf } from './watch.js';

export interface HalleyEvents {
  readonly state: State;
  /** To this client alone. */
  readonly private: PrivateMessage;
  readonly gap: Gap;
  /** A connection that is over for good, a handler that threw, a token that could not be had. */
  readonly error: HalleyError;
}

type Shown<S> = S extends State ? Omit<S, 'sharing' | 'reconnects'> : never;

/**
 * A client of a Halley fleet. It connects at its first use, comes back by itself after any loss, and
 * delivers each message once and in order; where that cannot be, it says so by `gap`.
 */
export class Halley {
  /** For pages that load this library by a script tag. */
  static readonly HalleyError = HalleyError;

  readonly #tab = newName();
  readonly #settings: Settings;
  readonly #seeker: SeekerOptions;
  readonly #emitter: Emitter<HalleyEvents>;
  readonly #session: Session;
  readonly #sharing: Sharing;
  #unwatch: (() => void) | null = null;
  #line: Line | null = null;
  #keeper: Keeper | null = null;
  #state: State;
  #ups = 0;
  /** Openings that were begun before belong to the past. */
  #run = 0;

  /** @throws HalleyError `bad-option` */
  constructor(options: HalleyOptions = {}) {
    const settings = readOptions(options);
    this.#settings = settings;
    const { timings, nodes, client = null } = settings;
    const env = envOf(settings);
    const transports = settings.transports.flatMap((name) =>
      ALL.filter((transport) => transport.name === name && transport.isPossible(env)),
    );
    if (transports.length === 0) throw badOption('transports');
    this.#seeker = {
      routes: new Routes(
        nodes,
        transports.map(({ name }) => name),
        timings,
      ),
      tokens: new Tokens(settings.token, settings.getToken, timings, (error) => this.#fault(error)),
      client,
      transports,
      env,
      timings,
    };
    this.#emitter = new Emitter((thrown) => this.#fault(thrown));
    this.#session = new Session(this.#tab, timings, {
      onPrivate: (message) => this.#emitter.emit('private', message),
      onGap: (gap) => this.#emitter.emit('gap', gap),
      onFault: (thrown) => this.#fault(thrown),
    });
    this.#sharing = !settings.share ? 'off' : canShare() ? 'follower' : 'unavailable';
    this.#state = { name: 'idle', sharing: this.#sharing, reconnects: 0 };
  }

  get state(): State {
    return this.#state;
  }

  /** @returns takes the handler off again */
  on<E extends keyof HalleyEvents>(
    event: E,
    handler: (value: HalleyEvents[E]) => void,
  ): () => void {
    const off = this.#emitter.on(event, handler);
    if (event === 'private') this.#use();
    return off;
  }

  /** Connects, unless it does already; also after `close()` and after a refusal. */
  connect(): void {
    if (this.#line === null && this.#state.name !== 'connecting') void this.#open();
  }

  /** Ends the connection until `connect()`. Subscriptions stay and go on from there. */
  close(): void {
    this.#shut();
    this.#unwatch?.();
    this.#unwatch = null;
    this.#keeper?.stop();
    this.#keeper = null;
    this.#session.failCalls(new HalleyError('closed'));
    this.#show({ name: 'closed' });
  }

  /**
   * @param onMessage called for each message, in order; without it messages are taken by `for await`
   * @throws HalleyError `bad-option`
   */
  subscribe(
    channel: string,
    onMessage: MessageHandler | null = null,
    options: SubscribeOptions = {},
  ): Subscription {
    const { last, after, authorize } = options;
    if (last !== undefined && after !== undefined) throw badOption('last');
    const subscription = this.#session.subscribe(channel, onMessage, {
      ...options,
      authorizer: authorizeOf(authorize) ?? this.#settings.authorizer,
    });
    this.#use();
    return subscription;
  }

  /** Tells whether a client is online, now and at each change. */
  watch(clientId: string, onPresence: (presence: Presence) => unknown): Subscription {
    const tell: MessageHandler = (message) => onPresence(presenceOf(message));
    return this.subscribe(channelOfClient(clientId), tell, { last: 1 });
  }

  /**
   * @param data any JSON
   * @param options `key`: the same key in the same channel within 5 minutes is one message
   * @throws HalleyError the code of the edge, `timeout`, `closed`
   */
  async publish(
    channel: string,
    data: unknown,
    options: { readonly event?: string; readonly key?: string } = {},
  ): Promise<Published> {
    this.#used();
    return this.#session.publish(channel, copyOf(data), options);
  }

  /** A page of what was published: after a position, before one, or the newest. */
  async history(
    channel: string,
    options: {
      readonly after?: Position;
      readonly before?: Position;
      readonly limit?: number;
    } = {},
  ): Promise<HistoryPage> {
    this.#used();
    const page = (await this.#session.ask({ ...options, type: 'history', channel })) as HistoryPage;
    return { ...page, messages: page.messages.map((message) => ({ ...message, channel })) };
  }

  /** A page of the members of a channel, by name. */
  async members(
    channel: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<MembersPage> {
    this.#used();
    return (await this.#session.ask({ ...options, type: 'members', channel })) as MembersPage;
  }

  /** @throws HalleyError `closed`, where it would wait for nothing */
  #used(): void {
    const { name } = this.#state;
    if (name === 'closed' || name === 'unauthorized') {
      throw new HalleyError(name);
    }
    this.#use();
  }

  #use(): void {
    if (this.#state.name === 'idle') this.connect();
  }

  async #open(): Promise<void> {
    this.#run += 1;
    const run = this.#run;
    this.#show({ name: 'connecting', node: this.#seeker.routes.home });
    this.#unwatch ??= watchLife({
      onWake: () => this.#line?.wake(),
      onSuspend: () => this.#suspend(),
      onResume: () => {
        if (this.#state.name === 'suspended') void this.#open();
      },
    });
    try {
      const identity = identityOf(this.#settings, await this.#seeker.tokens.get());
      if (run === this.#run) this.#begin(identity);
    } catch {
      // What getToken threw was told.
      if (run === this.#run) this.#hearState({ name: 'unauthorized' });
    }
  }

  #begin(identity: string): void {
    if (this.#settings.persist) this.#keeper ??= new Keeper(identity, this.#session);
    this.#line = new (this.#sharing === 'follower' ? Group : Leader)({
      tab: this.#tab,
      name: `halley:${identity}`,
      seeker: this.#seeker,
      queue: this.#session.queue,
      onNote: (note) => this.#hear(note),
    });
    this.#session.begin(this.#line, this.#keeper);
    this.#line.start();
  }

  #hear(note: Note): void {
    if (note.type === 'up') this.#ups += 1;
    if (note.type === 'state') this.#hearState(note.state);
    else this.#session.receive(note);
  }

  #hearState(state: ConnectionState): void {
    const isLeft = state.name === 'unauthorized' && this.#line?.sharing === 'follower';
    if (state.name === 'closed' || (state.name === 'unauthorized' && !isLeft)) {
      const error = new HalleyError(state.code ?? state.name);
      this.#shut();
      this.#show(state);
      this.#session.failCalls(error);
      this.#fault(error);
    } else if (state.name !== 'idle') this.#show(state);
  }

  #suspend(): void {
    this.#keeper?.save();
    if (this.#line === null && this.#state.name !== 'connecting') return;
    this.#shut();
    this.#show({ name: 'suspended' });
  }

  #shut(): void {
    this.#run += 1;
    this.#line?.stop();
    this.#line = null;
    this.#session.receive({ type: 'down' });
  }

  #show(state: Shown<State>): void {
    const sharing = this.#line?.sharing ?? this.#sharing;
    const reconnects = Math.max(0, this.#ups - 1);
    this.#state = { ...state, sharing, reconnects } as State;
    this.#emitter.emit('state', this.#state);
  }

  #fault(thrown: unknown): void {
    const error =
      thrown instanceof HalleyError ? thrown : new HalleyError('handler-failed', { cause: thrown });
    // Who throws while being told is not told again.
    if (!this.#emitter.emit('error', error, report)) report(error);
  }
}

/** As it is now: it may be sent again later. */
function copyOf(data: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(data));
  } catch (cause) {
    throw badOption('data', cause);
  }
}

function report(thrown: unknown): void {
  // biome-ignore lint/suspicious/noConsole: nobody listens, and where nothing is said nothing is found.
  (globalThis.reportError ?? console.error)(thrown);
}
