import { encodeFrame, type ServerFrame } from '@halley/shared/protocol';
import type { Fanout } from '../core/ports/connection.js';
import type { StreamItem } from '../core/tail.js';
import type { TemplatedApp } from './uws.js';

/** Fan-out of the native wire: the bytes that Redis sent go to uWS' topics as they are. */
export class TopicFanout implements Fanout {
  readonly #app: TemplatedApp;

  constructor(app: TemplatedApp) {
    this.#app = app;
  }

  publish(topic: string, item: StreamItem): void {
    this.#app.publish(topic, item.frame, false, false);
  }

  tell(topic: string, frame: ServerFrame): void {
    this.#app.publish(topic, encodeFrame(frame), false, false);
  }

  relay(topic: string, frame: Uint8Array): void {
    this.#app.publish(topic, frame, false, false);
  }
}
