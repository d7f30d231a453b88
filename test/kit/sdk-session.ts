/** A session of the SDK over a line that the test answers. */

import type { ServerFrame } from '@halley/shared/protocol';
import type { ChannelSubscription } from '../../libs/sdk/dist/channel-subscription.js';
import type { HalleyError } from '../../libs/sdk/dist/errors.js';
import type { Authorize } from '../../libs/sdk/dist/options.js';
import { Session } from '../../libs/sdk/dist/session.js';
import type { SubscribeOptions } from '../../libs/sdk/dist/subscription.js';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
import type { Gap, Message, PrivateMessage } from '../../libs/sdk/dist/types.js';
import { positionAt, ScriptedLine, settle } from './sdk-doubles.js';

/** A session with all that it has told. Needs a fake clock. */
export class SessionUnderTest {
  readonly line = new ScriptedLine();
  readonly privates: PrivateMessage[] = [];
  readonly gaps: Gap[] = [];
  readonly faults: unknown[] = [];
  readonly session: Session;
  readonly #data: unknown[] = [];

  constructor() {
    this.session = new Session('tab', TIMINGS, {
      onPrivate: (message) => this.privates.push(message),
      onGap: (gap) => this.gaps.push(gap),
      onFault: (thrown) => this.faults.push(thrown),
    });
    this.session.begin(this.line, null);
  }

  /** A connection. What was sent before it is forgotten. */
  async up(connectionId = 'c1', queuePosition: string | null = null, gap: string | null = null) {
    this.line.sent.length = 0;
    this.session.receive({ type: 'up', connectionId, queuePosition, gap });
    await settle();
  }

  async frame(frame: ServerFrame): Promise<void> {
    this.session.receive({ type: 'frame', frame });
    await settle();
  }

  message(n: number, channel = 'c'): Promise<void> {
    return this.frame({ type: 'message', channel, id: positionAt(n), data: n });
  }

  subscribe(
    options: SubscribeOptions & { readonly authorizer?: Authorize } = {},
    channel = 'c',
  ): ChannelSubscription {
    const { authorizer } = options;
    const keep = ({ data }: Message) => this.#data.push(data);
    return this.session.subscribe(channel, keep, { ...options, authorizer });
  }

  /** Answers the subscribe that was sent last. */
  async subscribed(position: string, fields: object = {}): Promise<void> {
    const asked = this.line.of('subscribe').at(-1);
    if (asked === undefined) throw new Error('no subscribe was sent');
    const { ref, channel } = asked;
    await this.frame({ type: 'subscribed', ref, channel, position, ...fields });
  }

  /** Refuses the subscribe, or the call, that was sent last. */
  async refuse(code: string, fields: object = {}): Promise<void> {
    const asked = this.line.sent.at(-1);
    if (asked === undefined || !('ref' in asked)) throw new Error('nothing was asked');
    const { ref } = asked;
    await this.frame({ type: 'error', ref, code, message: code, ...fields } as ServerFrame);
  }

  /** Data of messages that were delivered since the last look. */
  taken(): unknown[] {
    return this.#data.splice(0);
  }
}

/** The code by which a call fails. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: HalleyError) => error.code,
  );
}
