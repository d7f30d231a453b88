/**
 * iComet's admin port as paths of the api: its backends go on without a change. PROTOCOL.md beside this file
 * has the rules.
 */

import { Networks } from '@halley/shared/ops';
import type { Refusal } from '@halley/shared/protocol';
import type { RedisAddress } from '@halley/shared/redis';
import type { Services } from '../../control/services.js';
import type { PlainAnswer, PlainReply, PlainRequest, PlainSite } from '../../http/plain.js';
import { Access } from './access.js';
import { emptyAnswer, FORBIDDEN, headersOf, NOT_IMPLEMENTED, refusedAnswer } from './answers.js';
import { check, clear, close, Info, sign } from './channel-calls.js';
import { type Form, readForm } from './form.js';
import { PresenceStream } from './presence-stream.js';
import { broadcast, pub, push } from './publishing.js';

/** A preflight must not do what it only asks about. */
const LET_IN: readonly string[] = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE'];
const ANY = LET_IN;

interface Call {
  readonly methods: readonly string[];
  handle(form: Form): Promise<PlainAnswer>;
}

const PSUB = '/psub';

export class IcometAdmin implements PlainSite {
  readonly bases = ['', '/icomet'];
  readonly paths: readonly string[];
  readonly #calls: ReadonlyMap<string, Call>;
  readonly #access: Access;
  readonly #presence: PresenceStream;

  constructor(services: Services, address: RedisAddress) {
    const { icomet, trustedProxies } = services.settings;
    this.#access = new Access(new Networks(icomet.allow), new Networks(trustedProxies));
    this.#presence = new PresenceStream(services, address);
    this.#calls = callsOf(services);
    this.paths = [...this.#calls.keys(), PSUB];
  }

  screen({ arrival, method, path }: PlainRequest): PlainAnswer | null {
    if (!this.#access.admits(arrival)) return FORBIDDEN;
    if (!LET_IN.includes(method)) return NOT_IMPLEMENTED;
    const methods = this.#calls.get(path)?.methods ?? ANY;
    if (methods.includes(method)) return null;
    return emptyAnswer('405 Invalid Method', [['Allow', methods.join(', ')]]);
  }

  async handle(
    { method, path, query }: PlainRequest,
    body: Uint8Array | null,
    reply: PlainReply,
  ): Promise<PlainAnswer | null> {
    const call = this.#calls.get(path);
    if (call !== undefined) {
      const form = readForm(query, body);
      return 'code' in form ? refusedAnswer(form) : call.handle(form);
    }
    if (method !== 'HEAD') return this.#presence.serve(reply);
    return { status: '200 OK', headers: headersOf('text/plain; charset=utf-8'), body: '' };
  }

  refuse(refused: Refusal): PlainAnswer {
    return refusedAnswer(refused);
  }

  /** Ends the answers that would never end. */
  stop(): void {
    this.#presence.stop();
  }
}

function callsOf(services: Services): ReadonlyMap<string, Call> {
  const info = new Info(services);
  return new Map<string, Call>([
    ['/push', { methods: ['GET', 'POST'], handle: (form) => push(services, form) }],
    ['/pub', { methods: ['GET', 'POST'], handle: (form) => pub(services, form) }],
    ['/broadcast', { methods: ['GET'], handle: (form) => broadcast(services, form) }],
    ['/sign', { methods: ANY, handle: (form) => sign(services, form) }],
    ['/close', { methods: ANY, handle: (form) => close(services, form) }],
    ['/clear', { methods: ANY, handle: (form) => clear(services, form) }],
    ['/info', { methods: ANY, handle: (form) => info.answer(form) }],
    ['/check', { methods: ANY, handle: (form) => check(services, form) }],
  ]);
}
