/** Asks the API who is where, and writes down what it says beside what is so. */

import { setTimeout as pause } from 'node:timers/promises';
import { RestClient } from '../kit/rest.js';
import type { History } from './history.js';
import { isRight, PRESENCE_TRUE_AFTER_MS } from './judge/presence.js';
import type { Subscriber } from './subscribers/recorder.js';

/**
 * Whether dead edges are swept. If not, a killed edge stays named beside the living ones: what it is still
 * named for is not looked at.
 */
export const EXPECT_SWEEP = true;

const INTERVAL_MS = 250;

export interface PresenceWatchOptions {
  readonly history: History;
  /** Of an api that runs. */
  readonly api: () => string;
  /** Named, and connected for good: of each name one. */
  readonly subscribers: readonly Subscriber[];
  /** A channel with members that all of them hold. */
  readonly room: string;
  /** Names of clients that have left. */
  readonly gone: readonly string[];
  readonly expectSweep?: boolean;
  /** For how long a wrong answer is asked again. Default 15 s. */
  readonly deadlineMs?: number;
}

/** Looks until all is true, and once more where it is not after 15 s. */
export async function watchPresence(options: PresenceWatchOptions): Promise<void> {
  const untilMs = performance.now() + (options.deadlineMs ?? PRESENCE_TRUE_AFTER_MS);
  for (;;) {
    const isLate = performance.now() > untilMs;
    if ((await lookOnce(options)) || isLate) return;
    await pause(INTERVAL_MS);
  }
}

/** @returns whether all was true */
async function lookOnce(options: PresenceWatchOptions): Promise<boolean> {
  const rest = new RestClient(options.api());
  try {
    const living = await namesOf(rest, '/edges', 'edges', 'edgeId');
    let isTrue = true;
    for (const subscriber of options.subscribers) {
      const before = subscriber.edgeId;
      const all = await edgesOf(rest, subscriber.clientId ?? '');
      if (before === null || subscriber.edgeId !== before) isTrue = false;
      else isTrue = note(options, subscriber.name, [before], all, living) && isTrue;
    }
    for (const clientId of options.gone) {
      isTrue = note(options, clientId, [], await edgesOf(rest, clientId), living) && isTrue;
    }
    const names = options.subscribers.map(({ clientId }) => clientId ?? '');
    const members = await namesOf(rest, `/channels/${options.room}/members`, 'members', 'clientId');
    return note(options, options.room, names, members, names) && isTrue;
  } catch {
    return false; // No api answers: the next look may be luckier, and the last one counts.
  } finally {
    await rest.close();
  }
}

/** @param living without a sweep only these are looked at */
function note(
  { history, expectSweep = EXPECT_SWEEP }: PresenceWatchOptions,
  of: string,
  expected: readonly string[],
  all: readonly string[],
  living: readonly string[],
): boolean {
  const seen = expectSweep ? all : all.filter((name) => living.includes(name));
  history.add({ kind: 'presence', of, expected, seen });
  return isRight({ expected, seen });
}

async function edgesOf(rest: RestClient, clientId: string): Promise<string[]> {
  const { body } = await rest.get(`/clients/${encodeURIComponent(clientId)}`);
  return (body as { readonly edges: string[] }).edges;
}

async function namesOf(
  rest: RestClient,
  path: string,
  list: string,
  name: string,
): Promise<string[]> {
  const { body } = await rest.get(path);
  return (
    (body as Record<string, Record<string, string>[]>)[list]?.map((one) => one[name] ?? '') ?? []
  );
}
