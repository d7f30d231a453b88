import {
  type AckFrame,
  type ClientFrame,
  decodeClientText,
  errorFrame,
  type RefusedFrame,
  refusal,
  type ServerFrame,
} from '@halley/shared/protocol';
import { execute } from '../../core/commands/index.js';
import type { Identity } from '../../core/ports/authorizer.js';
import type { Headers, HttpReply, HttpRequest } from '../../core/ports/http.js';
import { statusLineOf } from './errors.js';
import { FramesConnection } from './frames-connection.js';
import type { Reception, Refuse } from './reception.js';

/** Frames that speak of a connection, which this request is not. */
const OF_CONNECTIONS: ReadonlySet<string> = new Set(['subscribe', 'unsubscribe', 'auth']);

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** One frame of a client in, its answer out. @param body null: it was too large */
export function serveFrames(
  reception: Reception,
  request: HttpRequest,
  reply: HttpReply,
  body: Uint8Array | null,
  frameMaxBytes: number,
): void {
  const headers = reception.headersFor(request);
  const refuse: Refuse = (refused) => reception.refuse(reply, refused, headers);
  if (body === null) {
    refuse(refusal('frame-too-large', `a frame has at most ${frameMaxBytes} bytes`));
    return;
  }
  const [frame, ...others] = decodeClientText(decoder.decode(body));
  if (frame === undefined || others.length > 0) {
    refuse(refusal('bad-frame', 'the body is one frame'));
    return;
  }
  reception.identified(request, reply, refuse, (identity) => {
    const answer = new Answer(reply, headers);
    const refused = reception.charge(reply, identity, frame);
    if (refused !== null) {
      answer.frame(errorFrame(refused, 'ref' in frame ? frame.ref : undefined));
      return;
    }
    if (frame.type === 'ack') void acknowledge(reception, identity, frame, answer);
    else carryOut(reception, identity, frame, reply, answer);
  });
}

function carryOut(
  reception: Reception,
  identity: Identity,
  frame: Exclude<ClientFrame, AckFrame> | RefusedFrame,
  reply: HttpReply,
  answer: Answer,
): void {
  if (OF_CONNECTIONS.has(frame.type) && 'ref' in frame) {
    const text = `"${frame.type}" is for connections that last; name channels in their URL`;
    answer.frame(errorFrame(refusal('connection-needed', text), frame.ref));
    return;
  }
  const connection = new FramesConnection(reception.site, reply, answer);
  connection.session = reception.enter(connection, connection, identity);
  execute(reception.site.edge, connection.session, frame);
}

/** No connection of the client need be on this edge: the queue's own rules decide. */
async function acknowledge(
  { site }: Reception,
  { clientId }: Identity,
  { id }: AckFrame,
  answer: Answer,
): Promise<void> {
  if (clientId === null) {
    answer.frame(errorFrame(refusal('forbidden', 'a nameless client has no queue')));
    return;
  }
  try {
    await site.edge.services.queues.acked(clientId, id);
    answer.nothing();
  } catch (error) {
    answer.frame(errorFrame(site.edge.refusalOf(error)));
  }
}

/** The answer frame as the body, and what it says as the status. */
export class Answer {
  readonly #reply: HttpReply;
  readonly #headers: Headers;

  constructor(reply: HttpReply, headers: Headers) {
    this.#reply = reply;
    this.#headers = headers;
  }

  frame(frame: ServerFrame): void {
    const status = frame.type === 'error' ? statusLineOf(frame) : '200 OK';
    const retryAfterMs = frame.type === 'error' ? frame.retryAfterMs : undefined;
    const retry: Headers =
      retryAfterMs === undefined ? [] : [['Retry-After', String(Math.ceil(retryAfterMs / 1_000))]];
    this.#send(status, JSON.stringify(frame), retry);
  }

  /** A frame that was put together as text. */
  text(text: string): void {
    this.#send('200 OK', text, []);
  }

  nothing(): void {
    this.#reply.answer('204 No Content', this.#headers, '');
  }

  #send(status: string, text: string, more: Headers): void {
    const type = ['Content-Type', 'application/json; charset=utf-8'] as const;
    this.#reply.answer(status, [type, ...this.#headers, ...more], text);
  }
}
