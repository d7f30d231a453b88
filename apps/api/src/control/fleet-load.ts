import type { FleetLoad } from '@halley/shared/publish';
import {
  type CommandClient,
  HEARTBEAT_INTERVAL_MS,
  type Heartbeat,
  readHeartbeats,
} from '@halley/shared/redis';

/** What the edges say of themselves, read as often as they say it. */
export class WatchedFleet implements FleetLoad {
  readonly #redis: CommandClient;
  #timer: NodeJS.Timeout | null = null;
  #isReading = false;
  isOverloaded = false;
  overloadedEdges: readonly string[] = [];

  constructor(redis: CommandClient) {
    this.#redis = redis;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#read(), HEARTBEAT_INTERVAL_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    if (this.#isReading || this.#redis.status !== 'ready') return;
    this.#isReading = true;
    try {
      this.note(await readHeartbeats(this.#redis));
    } catch {
      // Whoever publishes meanwhile learns it from the store; the next look is in two seconds.
    }
    this.#isReading = false;
  }

  /** One slow edge must not stop the fleet: for channels the median counts, for a client its own edge. */
  note(beats: readonly Heartbeat[]): void {
    const staying = beats.filter(({ draining }) => !draining);
    const overloaded = beats.filter((beat) => beat.overloaded);
    this.overloadedEdges = overloaded.map(({ edgeId }) => edgeId);
    const count = overloaded.filter(({ draining }) => !draining).length;
    this.isOverloaded = 2 * count > staying.length;
  }
}
