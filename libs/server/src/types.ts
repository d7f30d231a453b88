/** Shapes of calls and answers, as the API describes them. */

import type { Operations } from './api-types.js';
import type { CallOptions } from './caller.js';

type Body<Name extends keyof Operations> = Operations[Name] extends { body: infer B } ? B : never;
type Query<Name extends keyof Operations> = Operations[Name] extends { query: infer Q } ? Q : never;
type AnswersOf<Name extends keyof Operations> = Operations[Name]['answers'];

/** The body of the answer. */
export type Answer<Name extends keyof Operations> = AnswersOf<Name>[keyof AnswersOf<Name>];

/** `event`, `key` (drawn where there is none) and `from`, the clientId that receivers see as sender. */
export type PublishOptions = Omit<Body<'publishToChannel'>, 'data'> & CallOptions;
export type PrivateOptions = Omit<Body<'publishToClient'>, 'data'> & CallOptions;

/** What became of a message. */
export interface Published {
  /** Its position in the channel or queue. */
  readonly id: string;
  /** Edges that took it; not a receipt. Not known of a repeated one. */
  readonly edges?: number;
  /** The key was used before: this is the first message's id, and nothing was sent now. */
  readonly repeated?: true;
}

/** One of `channel`, `channels`, `client` and `clients`, and what is for them. */
export type BatchMessage = Body<'publishBatch'>['messages'][number];
/** `{id, edges}`, `{id, repeated}` or `{code, message}`; `results` for `channels` and `clients`. */
export type BatchResult = Answer<'publishBatch'>['results'][number];

export type HistoryOptions = Query<'readHistory'> & CallOptions;
export type History = Answer<'readHistory'>;
export type Message = History['messages'][number];

export type MembersOptions = Query<'listMembers'> & CallOptions;
export type Members = Answer<'listMembers'>;

export type Presence = Answer<'readClients'>['clients'][number];

export type TokenRequest = Body<'signToken'>;
export type SignedToken = Answer<'signToken'>;

export type DisconnectOptions = Body<'disconnectClient'> & CallOptions;
export type RevokeOptions = Body<'revokeClient'> & CallOptions;
