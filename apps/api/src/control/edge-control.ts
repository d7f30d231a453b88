/** Talks to edges over pub/sub: tells them, or asks and gathers what comes back in time. */

import { randomBase36 } from '@halley/shared/ops';
import {
  ALL_EDGES_CHANNEL,
  apiChannel,
  type CommandClient,
  type ControlMessage,
  type ControlReply,
  edgeChannel,
  PROBE_MARK,
  Probe,
  type RedisAddress,
  type Scripts,
  ShardSubscriber,
  sendControl,
} from '@halley/shared/redis';

/** How long an edge may take to answer. */
export const REPLY_DEADLINE_MS = 2_000;
const SUBSCRIBE_RETRY_MS = 250;

type Kind = ControlReply['type'];
type ReplyOf<K extends Kind> = Extract<ControlReply, { type: K }>;

/** A question on its way to several edges. */
interface Question {
  readonly waiting: Set<string>;
  readonly unreachable: string[];
  readonly replies: ControlReply[];
  settle(): void;
}

interface OpenQuestion {
  readonly question: Question;
  readonly settled: Promise<void>;
}

/** The message of a question, but for what every question carries. */
type Ask = { readonly type: 'inspect'; readonly clientId: string } | { readonly type: 'events' };

export interface Gathered<K extends Kind> {
  readonly replies: readonly ReplyOf<K>[];
  /** Edges that are gone or did not answer in time. */
  readonly unreachable: readonly string[];
}

export class EdgeControl {
  readonly #redis: CommandClient;
  readonly #replyTo = apiChannel(randomBase36(8));
  readonly #subscriber: ShardSubscriber;
  readonly #probe: Probe;
  readonly #questions = new Map<string, Question>();
  #isSubscribed = false;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(address: RedisAddress, redis: CommandClient, scripts: Scripts, timeoutMs: number) {
    this.#redis = redis;
    const events = {
      onMessage: (_: string, payload: Buffer) => this.#take(payload),
      onRestored: () => undefined,
      onLost: () => undefined,
    };
    this.#subscriber = new ShardSubscriber(address, redis, events, timeoutMs);
    this.#probe = new Probe(redis, scripts, this.#subscriber, () => [this.#replyTo]);
  }

  /** Resolves when answers can be heard; goes on trying for as long as that takes. */
  async start(): Promise<void> {
    await this.#subscriber.start();
    while (!this.#isSubscribed && !this.#isStopped) {
      try {
        await this.#subscriber.subscribe([this.#replyTo]);
        this.#isSubscribed = true;
        this.#probe.start();
      } catch {
        await new Promise((resolve) => {
          this.#retry = setTimeout(resolve, SUBSCRIBE_RETRY_MS);
        });
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.#probe.stop();
    this.#subscriber.stop();
    for (const question of this.#questions.values()) question.settle();
  }

  get isReady(): boolean {
    return this.#isSubscribed && this.#subscriber.isReady;
  }

  /** @returns the number of edges that took it. @throws whatever Redis' client throws */
  tellAll(message: ControlMessage): Promise<number> {
    return sendControl(this.#redis, ALL_EDGES_CHANNEL, message);
  }

  /**
   * @param partition whose connection carries the message: that of the client or channel it is about
   * @returns the number of edges that took it. @throws whatever Redis' client throws
   */
  async tell(
    edgeIds: readonly string[],
    partition: number,
    message: ControlMessage,
  ): Promise<number> {
    const taken = await Promise.all(
      edgeIds.map((edgeId) => this.#send(edgeId, partition, message)),
    );
    return taken.filter(Boolean).length;
  }

  /** @throws whatever Redis' client throws */
  inspect(
    edgeIds: readonly string[],
    partition: number,
    clientId: string,
  ): Promise<Gathered<'connections'>> {
    return this.#ask<'connections'>(edgeIds, partition, { type: 'inspect', clientId });
  }

  /** @throws whatever Redis' client throws */
  events(edgeId: string): Promise<Gathered<'events'>> {
    return this.#ask<'events'>([edgeId], 0, { type: 'events' });
  }

  async #ask<K extends Kind>(
    edgeIds: readonly string[],
    partition: number,
    ask: Ask,
  ): Promise<Gathered<K>> {
    if (edgeIds.length === 0) return { replies: [], unreachable: [] };
    const requestId = randomBase36(12);
    const { question, settled } = this.#open(requestId, edgeIds);
    try {
      const message: ControlMessage = { ...ask, requestId, replyTo: this.#replyTo };
      await Promise.all(
        edgeIds.map(async (edgeId) => {
          if (!(await this.#send(edgeId, partition, message))) giveUp(question, edgeId);
        }),
      );
      await settled;
    } finally {
      this.#questions.delete(requestId);
      question.settle();
    }
    return {
      replies: question.replies as ReplyOf<K>[],
      unreachable: [...question.unreachable, ...question.waiting],
    };
  }

  #open(requestId: string, edgeIds: readonly string[]): OpenQuestion {
    let settle = () => {};
    const settled = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, REPLY_DEADLINE_MS);
      settle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const question = { waiting: new Set(edgeIds), unreachable: [], replies: [], settle };
    this.#questions.set(requestId, question);
    return { question, settled };
  }

  async #send(edgeId: string, partition: number, message: ControlMessage): Promise<boolean> {
    const channel = edgeChannel(partition, edgeId);
    return (await sendControl(this.#redis, channel, message)) > 0;
  }

  #take(payload: Buffer): void {
    const text = payload.toString('utf8');
    if (text.startsWith(PROBE_MARK)) {
      this.#probe.answered(text.slice(PROBE_MARK.length));
      return;
    }
    const reply = parseReply(text);
    const question = reply === null ? undefined : this.#questions.get(reply.requestId);
    // Late, or answered twice.
    if (reply === null || !question?.waiting.delete(reply.edgeId)) return;
    question.replies.push(reply);
    if (question.waiting.size === 0) question.settle();
  }
}

/** Nobody listens where this edge should be. */
function giveUp(question: Question, edgeId: string): void {
  if (!question.waiting.delete(edgeId)) return;
  question.unreachable.push(edgeId);
  if (question.waiting.size === 0) question.settle();
}

function parseReply(text: string): ControlReply | null {
  try {
    return JSON.parse(text) as ControlReply;
  } catch {
    return null;
  }
}
