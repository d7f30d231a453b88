/**
 * The one table of codes: what an error frame, a close frame and a problem+json answer may say.
 * Edge, api, SDK and docs read it; nobody else invents a code.
 */

/** What a client does after a connection ended with a close code. */
export type Advice = 'stop' | 'reconnect' | 'resume' | 'renew-token';

interface CodeEntry {
  /** HTTP status of the REST and HTTP-wire answer. */
  readonly status?: number;
  /** WebSocket close code; its range is the advice (`adviceOf`). */
  readonly close?: number;
  readonly text: string;
}

export const CODES = {
  // Ends of a connection
  disconnected: { close: 4000, text: 'the operator ended this connection' },
  'origin-refused': { close: 4001, status: 403, text: 'this Origin may not connect' },
  'bad-client': { close: 4002, status: 400, text: 'the client name is not valid or not trusted' },
  'protocol-broken': { close: 4003, text: 'the peer does not speak this protocol' },
  'bad-position': { close: 4004, status: 400, text: 'this is not a position' },
  'presence-unavailable': { close: 4100, text: 'the connection could not be registered' },
  'too-many-connections': { close: 4101, status: 429, text: 'too many connections are open' },
  'edge-full': { close: 4102, status: 503, text: 'this edge holds as much as it may' },
  'rate-limited': { close: 4103, status: 429, text: 'too much was asked in too short a time' },
  'slow-reader': { close: 4200, text: 'too many bytes waited for this reader' },
  draining: { close: 4201, status: 503, text: 'this edge is going away' },
  'token-expired': { close: 4300, status: 401, text: 'the token has expired' },
  'bad-token': { close: 4301, status: 401, text: 'the token is not valid' },
  'token-revoked': { close: 4302, status: 401, text: 'the token was revoked' },

  // Refusals of one frame or call
  'bad-json': { status: 400, text: 'this is not JSON' },
  'bad-framing': { status: 400, text: 'the request tells in two ways where its body ends' },
  'bad-frame': { status: 400, text: 'this is not a frame' },
  'unknown-type': { status: 400, text: 'no frame has this type' },
  'missing-field': { status: 422, text: 'a field is missing' },
  'bad-field': { status: 422, text: 'a field has a value that is not allowed' },
  'bad-channel': { status: 400, text: 'this is not a channel name' },
  'bad-cursor': { status: 400, text: 'this is not a cursor for these channels' },
  'bad-callback': { status: 400, text: 'this is not the name of a function' },
  'connection-needed': { status: 409, text: 'this frame needs a connection' },
  'bad-query': { status: 400, text: 'a query parameter has a value that is not allowed' },
  'too-many-frames': { status: 413, text: 'an array holds too many frames' },
  'frame-too-large': { status: 413, text: 'the frame has too many bytes' },
  'payload-too-large': { status: 413, text: 'the data has too many bytes' },
  'body-too-large': { status: 413, text: 'the request body has too many bytes' },
  'too-many-channels': { status: 400, text: 'one connection holds too many channels' },
  'not-subscribed': { status: 409, text: 'this connection does not hold the channel' },
  forbidden: { status: 403, text: 'this identity has no right to do that' },
  banned: { status: 403, text: 'this client is banned from the channel for a time' },
  kicked: { status: 403, text: 'the operator ended this subscription' },
  'members-disabled': { status: 409, text: 'the namespace keeps no members' },
  'history-disabled': { status: 409, text: 'the namespace keeps no history' },
  'signing-disabled': { status: 409, text: 'no secret is configured to sign tokens with' },
  unauthorized: { status: 401, text: 'no valid API key' },
  'not-found': { status: 404, text: 'there is nothing here' },
  'method-not-allowed': { status: 405, text: 'this path does not know the method' },
  'unsupported-media-type': { status: 415, text: 'the body must be application/json' },
  'queue-full': { status: 429, text: 'the client has too many unacknowledged messages' },
  'authorizer-unavailable': { status: 503, text: 'the backend that decides did not answer' },
  overloaded: { status: 429, text: 'more is under way than can be delivered; nothing was stored' },
  unavailable: { status: 503, text: 'the store cannot be reached; nothing was stored' },
  'outcome-unknown': {
    status: 503,
    text: 'sent to the store, not answered: repeat with the same key',
  },
  internal: { status: 500, text: 'a defect of the server' },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof CODES;

/** A code that may end a connection. */
export type CloseCode = {
  [C in Code]: (typeof CODES)[C] extends { close: number } ? C : never;
}[Code];

export function closeNumber(code: CloseCode): number {
  return CODES[code].close;
}

export function statusOf(code: Code): number {
  const entry: CodeEntry = CODES[code];
  return entry.status ?? 500;
}

/**
 * What to do after a close with this number. 1006, and every number that is not in the table,
 * means that the network ended it: reconnect and resume.
 */
export function adviceOf(close: number): Advice {
  if (close >= 4000 && close <= 4099) return 'stop';
  if (close >= 4200 && close <= 4299) return 'resume';
  if (close >= 4300 && close <= 4399) return 'renew-token';
  return 'reconnect';
}

/** A refusal as data: what an error frame or a problem answer is made of. */
export interface Refusal {
  readonly code: Code;
  readonly message: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
}

export function refusal(code: Code, message: string = CODES[code].text, field?: string): Refusal {
  return field === undefined ? { code, message } : { code, message, field };
}

/** The same refusal where it has to cross an `await` or a call chain. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refused: Refusal, options?: ErrorOptions) {
    super(refused.message, options);
    this.name = 'RefusedError';
    this.refusal = refused;
  }
}
