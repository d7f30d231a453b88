import { type PublishFrame, refusal } from '@halley/shared/protocol';
import { publish } from '../../core/commands/publish.js';
import type { Identity } from '../../core/ports/authorizer.js';
import type { Headers, HttpReply, HttpRequest } from '../../core/ports/http.js';
import { type AnswerSink, FramesConnection } from '../native-http/frames-connection.js';
import type { Reception } from '../native-http/reception.js';
import { decodePush } from './decode.js';
import { answerRefusal, type DpsRefusal } from './errors.js';

/**
 * Pushes of one channel that this edge has sent to the store and that it has not answered. More of them
 * are refused: their clients would push again for fear that the first one is lost.
 */
export const PUSHES_UNDER_WAY_MAX = 1_000;
const RETRY_AFTER_MS = 1_000;

/** The answer is written by who waits for the outcome. */
const NOWHERE: AnswerSink = { frame: () => undefined, text: () => undefined };

export class Pushes {
  readonly #reception: Reception;
  /** By channel. */
  readonly #underWay = new Map<string, number>();

  constructor(reception: Reception) {
    this.#reception = reception;
  }

  /** @param body null: it was too large */
  serve(request: HttpRequest, reply: HttpReply, body: Uint8Array | null): void {
    const headers = this.#reception.headersFor(request);
    const refuse = (refused: DpsRefusal) => {
      this.#reception.report(reply, refused);
      answerRefusal(reply, refused, headers);
    };
    const asked = decodePush(request.query, body);
    if ('code' in asked) {
      refuse(asked);
      return;
    }
    this.#reception.identified(request, reply, refuse, (identity) => {
      const frame: PublishFrame = {
        type: 'publish',
        ref: 0,
        channel: asked.channel,
        data: asked.data,
      };
      const limited = this.#reception.charge(reply, identity, frame);
      if (limited !== null) {
        answerRefusal(reply, limited, headers);
        return;
      }
      const underWay = this.#underWay.get(asked.channel) ?? 0;
      if (underWay < PUSHES_UNDER_WAY_MAX) void this.#push(reply, headers, frame, identity);
      else refuse(overloaded(asked.channel));
    });
  }

  async #push(
    reply: HttpReply,
    headers: Headers,
    frame: PublishFrame,
    identity: Identity,
  ): Promise<void> {
    const { site } = this.#reception;
    const connection = new FramesConnection(site, reply, NOWHERE);
    const session = this.#reception.enter(connection, connection, identity);
    connection.session = session;
    const { channel } = frame;
    this.#count(channel, 1);
    try {
      await publish(site.edge, session, frame);
      reply.answer('200 OK', [['Content-Type', 'application/json'], ...headers], 'true\n');
    } catch (error) {
      const refused = site.edge.refusalOf(error);
      site.edge.refuse(session, refused, channel);
      answerRefusal(reply, refused, headers);
    } finally {
      this.#count(channel, -1);
    }
  }

  #count(channel: string, change: number): void {
    const underWay = (this.#underWay.get(channel) ?? 0) + change;
    if (underWay === 0) this.#underWay.delete(channel);
    else this.#underWay.set(channel, underWay);
  }
}

function overloaded(channel: string): DpsRefusal {
  const text = `${PUSHES_UNDER_WAY_MAX} pushes to "${channel}" are under way`;
  return { ...refusal('queue-full', text), retryAfterMs: RETRY_AFTER_MS };
}
