/** MegaComet's client: a request for each message, under a name. */

import type { EdgeProcess } from '../../kit/fleet.js';
import { type MegacometClient, openMegacomet, requestOf } from '../../kit/megacomet-client.js';
import { freePort } from '../../kit/ports.js';
import {
  type Delivery,
  type Peer,
  type PeerOptions,
  type Subscription,
  WireRefusal,
  type WireUnderTest,
} from '../wire-under-test.js';

const OK = 'HTTP/1.1 200 OK';
const LEAVING = 'HTTP/1.1 503 Service Unavailable';
/** A refused request is answered; one that waits is not. */
const DECISION_DEADLINE_MS = 300;

class MegacometPeer implements Peer {
  readonly goodbye: Promise<void>;
  readonly ended: Promise<string | null>;
  readonly #port: number;
  readonly #token: string | undefined;
  readonly #deliveries: Delivery[] = [];
  #request: MegacometClient | undefined;
  #loop: Promise<void> = Promise.resolve();
  #isClosed = false;
  #tellGone: () => void = () => undefined;

  constructor(edge: EdgeProcess, token: string | undefined) {
    this.#port = Number(edge.env['HALLEY_MEGACOMET_PORT']);
    this.#token = token;
    this.goodbye = new Promise((resolve) => {
      this.#tellGone = resolve;
    });
    this.ended = this.goodbye.then(() => null);
  }

  async subscribe(clientId: string): Promise<Subscription> {
    const first = await this.#ask(clientId);
    const refused = first.answer(DECISION_DEADLINE_MS).then(
      ({ statusLine, body }) => (statusLine === OK ? null : codeOf(body)),
      () => null, // It waits.
    );
    const code = await refused;
    if (code !== null) throw new WireRefusal(code);
    this.#loop = this.#goOn(clientId, first);
    return { mark: '' };
  }

  received(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** What was not taken waits in the queue: nothing has to be shown. */
  markOf(): string {
    return '';
  }

  pause(): void {}

  resume(): void {}

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#request?.reset();
    await this.#loop;
  }

  async #ask(clientId: string): Promise<MegacometClient> {
    const token = this.#token === undefined ? '' : `?token=${this.#token}`;
    const target = `/${encodeURI(clientId)}.js${token}`;
    this.#request = await openMegacomet(this.#port, requestOf(target));
    return this.#request;
  }

  async #goOn(clientId: string, first: MegacometClient): Promise<void> {
    let request = first;
    for (;;) {
      await request.closed;
      if (this.#isClosed) return;
      const { statusLine, body } = await request.answer();
      if (statusLine === LEAVING) return this.#tellGone();
      this.#deliveries.push({ id: null, data: dataIn(body.toString()) });
      request = await this.#ask(clientId);
      if (this.#isClosed) return request.reset();
    }
  }
}

/** The text of a string, or JSON; the contract sends no string that is JSON. */
function dataIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function codeOf(body: Buffer): string {
  return body.toString().split(':', 1)[0] ?? '';
}

export const megacomet: WireUnderTest = {
  name: 'MegaComet',
  carries: 'queues',
  tellsRecovery: false,
  // Without a token any name is taken at its word here, so there is nothing that lacks a right.
  refusals: {
    noRight: null,
    badName: 'bad-client',
    badToken: 'bad-token',
    expiredToken: 'token-expired',
  },
  edgeEnv: async () => ({ HALLEY_MEGACOMET_PORT: String(await freePort()) }),
  async open(edge: EdgeProcess, { token }: PeerOptions = {}): Promise<Peer> {
    return new MegacometPeer(edge, token);
  },
};
