import type { ErrorFrame, Ref, ServerFrame } from '@halley/shared/protocol';
import { HalleyError } from './errors.js';
import type { ClientFrame } from './frames.js';
import { errorOf, isPassing } from './refusals.js';
import { later, type Timings } from './timings.js';

type CallFrame = Extract<ClientFrame, { type: 'publish' | 'history' | 'members' }>;

interface Call {
  readonly frame: CallFrame;
  readonly resolve: (answer: ServerFrame) => void;
  readonly reject: (error: HalleyError) => void;
  readonly cancel: () => void;
  /** Why it was not carried out the last time. */
  refused: HalleyError | null;
  cancelRetry: () => void;
}

/** Calls that may wait for their answers at a time. */
export const CALLS_MAX = 1_000;

const RETRY_MS = 1_000;

/** Questions and their answers. A call outlives connections: it is asked again, publishes by their key. */
export class Calls {
  readonly #calls = new Map<Ref, Call>();
  readonly #send: (frames: readonly ClientFrame[]) => void;
  readonly #timings: Timings;

  constructor(send: (frames: readonly ClientFrame[]) => void, timings: Timings) {
    this.#send = send;
    this.#timings = timings;
  }

  /** @throws HalleyError by its promise: the code of the edge, `timeout`, `closed`, `too-many-calls` */
  ask(frame: CallFrame): Promise<ServerFrame> {
    if (this.#calls.size >= CALLS_MAX) return Promise.reject(new HalleyError('too-many-calls'));
    return new Promise((resolve, reject) => {
      const cancel = later(this.#timings.callMs, () => {
        this.#end(call).reject(
          call.refused ?? new HalleyError('timeout', { channel: frame.channel }),
        );
      });
      const call: Call = { frame, resolve, reject, cancel, cancelRetry: cancel, refused: null };
      this.#calls.set(frame.ref, call);
      this.#send([frame]);
    });
  }

  /** @returns false where the frame answers none of these calls */
  takes(frame: ServerFrame): boolean {
    const call = this.#calls.get((frame as { readonly ref?: Ref }).ref ?? '');
    if (call === undefined) return false;
    if (frame.type === 'error') this.#refused(call, frame);
    else this.#end(call).resolve(frame);
    return true;
  }

  /** What waits, to be asked of a new connection. */
  pending(): CallFrame[] {
    return [...this.#calls.values()].map(({ frame }) => frame);
  }

  failAll(error: HalleyError): void {
    for (const call of this.#calls.values()) this.#end(call).reject(error);
  }

  #refused(call: Call, frame: ErrorFrame): void {
    call.refused = errorOf(frame);
    if (isPassing(frame)) {
      // Within the time of the call.
      call.cancelRetry = later(frame.retryAfterMs ?? RETRY_MS, () => this.#send([call.frame]));
    } else this.#end(call).reject(call.refused);
  }

  #end(call: Call): Call {
    call.cancel();
    call.cancelRetry();
    this.#calls.delete(call.frame.ref);
    return call;
  }
}
