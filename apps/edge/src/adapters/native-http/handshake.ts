import { type Refusal, refusal } from '@halley/shared/protocol';
import type { Edge } from '../../core/edge.js';
import type { Identity } from '../../core/ports/authorizer.js';
import type { Headers, HttpRequest } from '../../core/ports/http.js';
import { type HandshakeOptions, shakeHands } from '../native/handshake.js';
import { isOriginAllowed } from '../native/origins.js';
import type { Asked } from './decode.js';

/** Who asks, by the same rules as on the WebSocket wire. */
export function identify(
  request: HttpRequest,
  edge: Edge,
  options: HandshakeOptions,
): Identity | Refusal | Promise<Identity | Refusal> {
  const admission = shakeHands(
    { ...request, protocols: '', isUpgrade: false },
    edge.services.authorizer,
    options,
  );
  return admission instanceof Promise ? admission.then(outcomeOf) : outcomeOf(admission);
}

function outcomeOf(
  admission: { readonly identity: Identity } | { readonly refused: Refusal },
): Identity | Refusal {
  return 'refused' in admission ? admission.refused : admission.identity;
}

const CREDENTIALS: Headers = [['Access-Control-Allow-Credentials', 'true']];
const PREFLIGHT_SECONDS = 7_200;

/** What lets the page of an allowed origin read the answer. */
export function corsHeaders(request: HttpRequest, options: HandshakeOptions): Headers {
  const { origins } = options;
  const vary: Headers = [['Vary', 'Origin']];
  if (request.origin === '' || !isOriginAllowed(request, origins)) return vary;
  return [
    ['Access-Control-Allow-Origin', request.origin],
    ['Access-Control-Expose-Headers', 'Retry-After'],
    ...(usesCookies(options) ? CREDENTIALS : []),
    ...vary,
  ];
}

/** Where any page may connect, none may read what a cookie gets. */
function usesCookies({ origins, tokenCookie, keepsVisitors }: HandshakeOptions): boolean {
  return origins !== '*' && (tokenCookie !== null || keepsVisitors);
}

/** Answers what a browser asks before it sends what not every page may send. */
export function preflightHeaders(request: HttpRequest, options: HandshakeOptions): Headers {
  return [
    ...corsHeaders(request, options),
    ['Access-Control-Allow-Methods', 'GET, POST, OPTIONS'],
    ['Access-Control-Allow-Headers', 'Authorization, Content-Type, Last-Event-ID, Cache-Control'],
    ['Access-Control-Max-Age', String(PREFLIGHT_SECONDS)],
  ];
}

/** Why nothing could ever come to this client, or null. Answered by a status it ends retries by itself. */
export function hopelessness(
  edge: Edge,
  identity: Identity,
  { channels, grants }: Pick<Asked, 'channels' | 'grants'>,
): Refusal | null {
  // Who asks for nothing yet is as welcome as on a WebSocket.
  if (identity.clientId !== null || channels.length === 0) return null;
  const { authorizer } = edge.services;
  const mayHope = channels.some(
    (channel, index) =>
      (grants[index] ?? null) !== null ||
      authorizer.may('subscribe', channel, identity) ||
      authorizer.isAsked('subscribe', channel),
  );
  if (mayHope) return null;
  return refusal('forbidden', `no right to subscribe to "${channels.join('", "')}"`, 'channel');
}
