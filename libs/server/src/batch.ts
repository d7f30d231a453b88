/** Many messages in one call; those that the store did not take are sent again. */

import type { Caller } from './caller.js';
import { HalleyError } from './error.js';
import type { Answer, BatchMessage, BatchResult } from './types.js';

/** The store failed, not the message. A full queue would hold up all the others. */
const PASSING = new Set<string | undefined>(['unavailable', 'outcome-unknown']);

/** @throws HalleyError where no try was answered */
export async function publishAll(
  caller: Caller,
  messages: readonly BatchMessage[],
  signal: AbortSignal | undefined,
): Promise<BatchResult[]> {
  const keyed = messages.map((message) => ({
    ...message,
    key: message.key ?? crypto.randomUUID(),
  }));
  const results = new Map<number, BatchResult>();
  let places = [...keyed.keys()];
  const attempt = async (timeoutMs: number) => {
    const body = { messages: places.map((place) => keyed[place]) };
    const request = { method: 'POST', path: '/messages', body, expects: 'results' } as const;
    const answer = await caller.once(request, timeoutMs, signal);
    const answered = (answer as Answer<'publishBatch'>).results;
    for (const [index, place] of places.entries()) {
      const result = answered[index];
      if (result !== undefined) results.set(place, result);
    }
    places = places.filter((place) => failureOf(results.get(place)) !== undefined);
    const failure = failureOf(results.get(places[0] ?? -1));
    if (failure !== undefined) throw failure;
  };
  try {
    await caller.repeat(attempt, signal);
  } catch (error) {
    // What became of each message says more than why the last try failed.
    if (results.size === 0 || signal?.aborted === true) throw error;
  }
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/** The error of a result that another try may better. */
function failureOf(result: BatchResult | undefined): HalleyError | undefined {
  const failed = [result, ...(result?.results ?? [])].find((one) => PASSING.has(one?.code));
  if (failed?.code === undefined) return undefined;
  const { code, message = code, retryAfterMs } = failed;
  return new HalleyError({ code, message, status: 503, retryAfterMs });
}
