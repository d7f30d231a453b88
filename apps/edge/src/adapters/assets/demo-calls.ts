import { Networks } from '@halley/shared/ops';
import {
  type Body,
  bodyOf,
  isClientId,
  type PublishOutcome,
  RefusedError,
  refusal,
} from '@halley/shared/protocol';
import type { Headers, HttpReply, HttpRequest, HttpRoute } from '../../core/ports/http.js';
import { isOriginAllowed } from '../native/origins.js';
import { answerProblem } from '../native-http/errors.js';

/** What a backend would do for the page of the demo, which has none. */
export interface DemoBackend {
  /** Never rejects: what cannot be published is a refusal. */
  sendPrivate(clientId: string, body: Body): Promise<PublishOutcome>;
  /** Ends all connections of a client, whichever edges have them. */
  cut(clientId: string): Promise<void>;
}

/** Bytes of a request body: a message as people type it. */
export const DEMO_BODY_MAX_BYTES = 4_096;

const LOOPBACK = new Networks(['127.0.0.0/8', '::1']);
const HEADERS: Headers = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];

type Fields = Readonly<Record<string, unknown>>;
type Call = (fields: Fields) => Promise<Fields>;

/** The calls of the demo: for its own page, on this machine. */
export function demoCalls(backend: DemoBackend): HttpRoute[] {
  return [
    post('/demo/private', async (fields) => {
      const to = clientOf(fields, 'to');
      const data = JSON.stringify({ from: clientOf(fields, 'from'), text: textOf(fields) });
      const outcome = await backend.sendPrivate(to, bodyOf({ data }));
      if ('code' in outcome) throw new RefusedError(outcome);
      return { id: outcome.id, edges: outcome.edges };
    }),
    post('/demo/cut', async (fields) => {
      await backend.cut(clientOf(fields, 'client'));
      return {};
    }),
  ];
}

function post(path: string, call: Call): HttpRoute {
  return {
    method: 'post',
    path,
    bodyMaxBytes: DEMO_BODY_MAX_BYTES,
    serve: (request, reply, body) => void answer(request, reply, body, call),
  };
}

async function answer(
  request: HttpRequest,
  reply: HttpReply,
  body: Uint8Array | null,
  call: Call,
): Promise<void> {
  try {
    const result = await call(fieldsOf(request, reply, body));
    const type = ['Content-Type', 'application/json; charset=utf-8'] as const;
    reply.answer('200 OK', [type, ...HEADERS], JSON.stringify(result));
  } catch (error) {
    const refused = error instanceof RefusedError ? error.refusal : refusal('unavailable');
    answerProblem(reply, refused, HEADERS);
  }
}

/** The body of a call that may be made. @throws RefusedError */
function fieldsOf(request: HttpRequest, reply: HttpReply, body: Uint8Array | null): Fields {
  if (!LOOPBACK.includes(reply.address())) {
    throw new RefusedError(refusal('forbidden', 'the demo plays the backend on its machine only'));
  }
  if (!isOriginAllowed(request, 'same-host')) throw new RefusedError(refusal('origin-refused'));
  // A form of another page cannot send it.
  if (!/^application\/json\b/i.test(request.contentType)) {
    throw new RefusedError(refusal('unsupported-media-type'));
  }
  if (body === null) {
    const text = `the body has at most ${DEMO_BODY_MAX_BYTES} bytes`;
    throw new RefusedError(refusal('body-too-large', text));
  }
  const value = parse(body);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RefusedError(refusal('bad-json', 'the body is a JSON object'));
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new RefusedError(refusal('bad-json'));
  }
}

function clientOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (isClientId(value)) return value;
  throw new RefusedError(refusal('bad-field', `"${name}" must be the name of a client`, name));
}

function textOf({ text }: Fields): string {
  if (typeof text === 'string' && text !== '') return text;
  throw new RefusedError(refusal('bad-field', '"text" must be a text that is not empty', 'text'));
}
