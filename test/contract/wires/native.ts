import { CODES, type Code } from '@halley/shared/protocol';
import type { EdgeProcess } from '../../kit/fleet.js';
import { type Closed, type NativeClient, open } from '../../kit/native-client.js';
import {
  type Delivery,
  NATIVE_REFUSALS,
  type Peer,
  type PeerOptions,
  type Subscription,
  WireRefusal,
  type WireUnderTest,
} from '../wire-under-test.js';

const GOODBYE_DEADLINE_MS = 60_000;

class NativePeer implements Peer {
  readonly goodbye: Promise<void>;
  readonly ended: Promise<string | null>;
  readonly #client: NativeClient;
  readonly #starts = new Map<string, string>();

  constructor(client: NativeClient) {
    this.#client = client;
    this.ended = client.closed.then(codeOf);
    this.goodbye = client.next('goodbye', undefined, GOODBYE_DEADLINE_MS).then(() => undefined);
    this.goodbye.catch(() => undefined); // Most peers leave before anybody says goodbye to them.
  }

  async subscribe(channel: string, mark?: string): Promise<Subscription> {
    const asked = { type: 'subscribe', channel, ...(mark !== undefined && { after: mark }) };
    const answer = await this.#client.request(asked);
    if (answer.type === 'error') throw new WireRefusal(answer.code);
    if (answer.type !== 'subscribed') throw new Error(`answered by ${answer.type}`);
    const { position, recovered } = answer;
    this.#starts.set(channel, position);
    return recovered === undefined ? { mark: position } : { mark: position, recovered };
  }

  received(channel: string | null): readonly Delivery[] {
    const client = this.#client;
    const frames = channel === null ? client.of('private') : client.messages(channel);
    return frames.map(({ id, data }) => ({ id, data }));
  }

  markOf(channel: string): string {
    return this.received(channel).at(-1)?.id ?? this.#starts.get(channel) ?? '';
  }

  pause(): void {
    this.#client.socket.pause();
  }

  resume(): void {
    this.#client.socket.resume();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

// N-39 and N-40 are held by the tests of slow readers and of the drain.
export const nativeWebSocket: WireUnderTest = {
  name: 'native WebSocket',
  carries: 'channels',
  tellsRecovery: true,
  refusals: NATIVE_REFUSALS,
  async open(edge: EdgeProcess, options: PeerOptions = {}): Promise<Peer> {
    const client = await open(edge.wsUrl, options);
    const refused = client.closed.then((closed) => {
      const code = codeOf(closed);
      throw code === null ? new Error(`closed by ${closed.code}`) : new WireRefusal(code);
    });
    refused.catch(() => undefined); // Once it is welcomed `ended` tells.
    await Promise.race([refused, client.welcomed()]);
    return new NativePeer(client);
  },
};

function codeOf({ code: close }: Closed): Code | null {
  const entries = Object.entries(CODES) as [Code, { readonly close?: number }][];
  return entries.find(([, entry]) => entry.close === close)?.[0] ?? null;
}
