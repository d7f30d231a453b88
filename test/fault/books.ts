/** What Redis has lost by itself of what it had acknowledged. */

import { comparePositions, type Position } from '@halley/shared/protocol';
import { clientOfQueue, type History, type Publication, type Stream } from './history.js';
import { LOG_SIZE, type World } from './world.js';

/** A queue forgets by age: only what is surely younger is missed. */
const QUEUE_SURE_MS = 45_000;

export class Books {
  /** All that is missing. */
  readonly lost = new Set<Position>();
  /** Of these, what no look has ever found: it may have gone before anybody could get it. */
  readonly neverHeld = new Set<Position>();
  readonly #held = new Set<Position>();
  readonly #world: Pick<World, 'storedIds'>;
  readonly #history: History;

  constructor(world: Pick<World, 'storedIds'>, history: History) {
    this.#world = world;
    this.#history = history;
  }

  /** Looks at all that was accepted so far. */
  async look(): Promise<void> {
    const byStream = new Map<Stream, Publication[]>();
    for (const one of this.#history.of('published')) {
      if (one.outcome !== 'accepted') continue;
      byStream.set(one.stream, [...(byStream.get(one.stream) ?? []), one]);
    }
    for (const [stream, accepted] of byStream) {
      const held = await this.#world.storedIds(stream);
      this.#compare(stream, accepted, held);
      this.#compareTwins(stream, held);
    }
  }

  /**
   * What was delivered under two ids: Redis may have taken the first one back together with its key, and
   * its caller, who had no answer, has said it again.
   */
  #compareTwins(stream: Stream, held: ReadonlySet<Position>): void {
    const first = new Map<string, Position>();
    for (const { stream: of, number, id } of this.#history.of('received')) {
      if (of !== stream) continue;
      const twin = first.get(number) ?? id;
      first.set(number, twin);
      if (twin !== id && held.has(id) && !held.has(twin)) this.lost.add(twin);
    }
  }

  #compare(stream: Stream, accepted: readonly Publication[], held: ReadonlySet<Position>): void {
    const isQueue = clientOfQueue(stream) !== null;
    const [oldest] = [...held].sort(comparePositions);
    const sureMs = performance.now() - QUEUE_SURE_MS;
    for (const { id, at } of accepted) {
      if (id === undefined) continue;
      if (held.has(id)) this.#held.add(id);
      if (held.has(id) || (isQueue && at < sureMs)) continue;
      const isTrimmed =
        held.size >= LOG_SIZE && oldest !== undefined && comparePositions(id, oldest) < 0;
      if (isTrimmed) continue;
      this.lost.add(id);
      if (!this.#held.has(id)) this.neverHeld.add(id);
    }
  }
}
