import type { Operations } from './api-types.js';
import { publishAll } from './batch.js';
import { Caller, type CallOptions, type Request } from './caller.js';
import { HalleyError } from './error.js';
import { type HalleyServerOptions, settingsOf } from './options.js';
import { clientListsOf, queryOf, segmentOf } from './path.js';
import type {
  Answer,
  BatchMessage,
  BatchResult,
  DisconnectOptions,
  History,
  HistoryOptions,
  Members,
  MembersOptions,
  Presence,
  PrivateOptions,
  Published,
  PublishOptions,
  RevokeOptions,
  SignedToken,
  TokenRequest,
} from './types.js';

/** Clients that one GET /clients takes. */
const PRESENCE_MAX_CLIENTS = 1_000;
/** Characters of their names in the URL: servers take 4 KB of request line and headers at least. */
const PRESENCE_MAX_CHARS = 3_000;

/**
 * Halley's API for a backend. Make one and keep it: its connections are kept, too.
 *
 * Every call is repeated after a failure that passes: 429, 502, 503 and 504 after the time that the
 * server asks for, a lost connection after a short pause, a time-out at once. A message has a key, so
 * that it is published once however often the call is repeated. Calls reject with a `HalleyError`.
 */
export class HalleyServer {
  readonly #caller: Caller;

  /** @throws TypeError that names a wrong option */
  constructor(options: HalleyServerOptions) {
    this.#caller = new Caller(settingsOf(options));
  }

  /** A message to everybody on a channel. Role `publish`. @param data any JSON value */
  async publish(channel: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    const { signal, ...fields } = options;
    const path = `/channels/${segmentOf(channel, 'bad-channel')}/messages`;
    return this.#publish(path, { data, ...fields }, signal);
  }

  /** A message to all connections of a client; it waits in its queue meanwhile. Role `publish`. */
  async publishPrivate(
    clientId: string,
    data: unknown,
    options: PrivateOptions = {},
  ): Promise<Published> {
    const { signal, ...fields } = options;
    const path = `/clients/${segmentOf(clientId, 'bad-client')}/messages`;
    return this.#publish(path, { data, ...fields }, signal);
  }

  /**
   * Up to 1,000 messages in one call; each name of `channels` and `clients` counts. A bad one does not
   * fail the others. Those that the store did not take are repeated. Role `publish`.
   * @returns the results in the order of the messages
   */
  publishBatch(
    messages: readonly BatchMessage[],
    { signal }: CallOptions = {},
  ): Promise<BatchResult[]> {
    return publishAll(this.#caller, messages, signal);
  }

  /** Messages of a channel, oldest first; without a position the newest. Role `read`. */
  async history(channel: string, options: HistoryOptions = {}): Promise<History> {
    const { signal, ...query } = options;
    const path = `/channels/${segmentOf(channel, 'bad-channel')}/messages${queryOf(query)}`;
    return this.#call<'readHistory'>({ method: 'GET', path, expects: 'messages' }, { signal });
  }

  /** Who is on a channel, by name. Role `read`. */
  async members(channel: string, options: MembersOptions = {}): Promise<Members> {
    const { signal, ...query } = options;
    const path = `/channels/${segmentOf(channel, 'bad-channel')}/members${queryOf(query)}`;
    return this.#call<'listMembers'>({ method: 'GET', path, expects: 'members' }, { signal });
  }

  /** Of each client whether it is online and when it was last seen, in their order. Role `read`. */
  async presence(clientIds: readonly string[], options: CallOptions = {}): Promise<Presence[]> {
    const found: Presence[] = [];
    // One after the other: a backend that asks for thousands must not be a storm.
    for (const ids of clientListsOf(clientIds, PRESENCE_MAX_CLIENTS, PRESENCE_MAX_CHARS)) {
      const request = { method: 'GET', path: `/clients?ids=${ids}`, expects: 'clients' } as const;
      found.push(...(await this.#call<'readClients'>(request, options)).clients);
    }
    return found;
  }

  /** A token that names a client and its rights. Role `admin`. */
  signToken(body: TokenRequest, options: CallOptions = {}): Promise<SignedToken> {
    return this.#call<'signToken'>(
      { method: 'POST', path: '/tokens', body, expects: 'token' },
      options,
    );
  }

  /** From now on no edge accepts the token, and its connections end. Role `admin`. */
  async revokeToken(jti: string, options: CallOptions = {}): Promise<Answer<'revokeToken'>> {
    const path = `/tokens/${segmentOf(jti, 'not-found')}`;
    return this.#call<'revokeToken'>({ method: 'DELETE', path, expects: 'revoked' }, options);
  }

  /** Ends the connections of a client. Role `admin`. */
  async disconnect(
    clientId: string,
    { signal, ...body }: DisconnectOptions = {},
  ): Promise<Answer<'disconnectClient'>> {
    const path = `/clients/${segmentOf(clientId, 'bad-client')}/disconnect`;
    return this.#call<'disconnectClient'>(
      { method: 'POST', path, body, expects: 'edges' },
      { signal },
    );
  }

  /** Revokes the tokens that a client was given before now, or before a time. Role `admin`. */
  async revoke(
    clientId: string,
    { signal, ...body }: RevokeOptions = {},
  ): Promise<Answer<'revokeClient'>> {
    const path = `/clients/${segmentOf(clientId, 'bad-client')}/revoke`;
    return this.#call<'revokeClient'>(
      { method: 'POST', path, body, expects: 'issuedBefore' },
      { signal },
    );
  }

  async #publish(
    path: string,
    message: { readonly data: unknown; readonly key?: string | undefined },
    signal: AbortSignal | undefined,
  ): Promise<Published> {
    const body = { ...message, key: message.key ?? crypto.randomUUID() };
    try {
      return await this.#call<'publishToChannel'>(
        { method: 'POST', path, body, expects: 'id' },
        { signal },
      );
    } catch (error) {
      if (error instanceof HalleyError) error.key = body.key;
      throw error;
    }
  }

  async #call<Name extends keyof Operations>(
    request: Request,
    options: CallOptions,
  ): Promise<Answer<Name>> {
    return (await this.#caller.call(request, options)) as Answer<Name>;
  }
}
