import type { ServerFrame } from '@halley/shared/protocol';
import type { Asking } from './requests.js';
import type { Env, LinkEnd, Transport } from './transport.js';

export interface ReceiverEvents {
  onFrame(frame: ServerFrame): void;
  onAlive(): void;
}

/** One way to receive by HTTP; all else is the same for all of them. */
export interface Receiver {
  readonly name: Transport['name'];
  isPossible(env: Env): boolean;
  /** Until it ends, or the signal of what is asked for aborts. @returns why it ended */
  receive(asking: Asking, events: ReceiverEvents): Promise<LinkEnd>;
}
