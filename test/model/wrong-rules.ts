/** Rules that were thought of and are wrong: the judge must find each of them out. */

import { decide } from '@halley/edge/dist/core/recovery.js';
import { isEmptyPosition, type Position, streamId } from '@halley/shared/protocol';
import { type CommandClient, type ScriptName, Scripts, scriptText } from '@halley/shared/redis';
import type { Rule } from './resume-case.js';

/** The log is whole after a position where its first entry follows it by the id alone. */
const byIdOnly: Rule = (after, view) => {
  const judged = decide(after, view);
  if (judged.recovered || view.cut !== null) return judged;
  const at = view.entries.findIndex((entry) => streamId(entry.id) === streamId(after));
  return at === -1 ? judged : { recovered: true, entries: view.entries.slice(at + 1) };
};

/** Whatever follows the position in order of ids must be all that came since. */
const byOrderOfIds: Rule = (after, view) => {
  const entries = view.entries.filter((entry) => isAbove(entry.id, after));
  return { recovered: view.entries.length > entries.length || view.top === after, entries };
};

/** An empty log means that nothing came. */
const emptyMeansNothing: Rule = (after, view) => {
  const judged = decide(after, view);
  return view.entries.length === 0 ? { ...judged, recovered: true } : judged;
};

/** Who has seen no message has missed none, where the log begins somewhere. */
const emptyPositionIsWhole: Rule = (after, view) => {
  const judged = decide(after, view);
  return isEmptyPosition(after) ? { ...judged, recovered: true } : judged;
};

/** The chain's first link is not looked at. */
const anyLogIsWhole: Rule = (after, view) => {
  const judged = decide(after, view);
  return view.entries.length > 0 ? { ...judged, recovered: true } : judged;
};

/** Marks of roll-backs are not looked at. */
const marksIgnored: Rule = (after, view) => decide(after, { ...view, cut: null });

/** Nothing is ever proved. */
const neverSure: Rule = (_, view) => ({ recovered: false, entries: view.entries });

export const WRONG_RULES = {
  byIdOnly,
  byOrderOfIds,
  emptyMeansNothing,
  emptyPositionIsWhole,
  anyLogIsWhole,
  marksIgnored,
  neverSure,
} as const;

function isAbove(id: Position, other: Position): boolean {
  return Number.parseInt(id, 10) > Number.parseInt(other, 10);
}

const GUARD = /\n {2}if not above\(id, prev\) then\n {4}redis\.call\('XDEL'[\s\S]*?\n {2}end\n/;

/** The publish script without the line that keeps ids rising over a log that is new after a clock step. */
export function unguardedScripts(redis: CommandClient): Scripts {
  const scripts = new Scripts(redis);
  const guarded = scriptText('publish');
  const unguarded = guarded.replace(GUARD, '\n');
  if (unguarded === guarded) throw new Error('the guard of ids is not where it was');
  const run = (
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ) =>
    name === 'publish'
      ? redis.call('EVAL', unguarded, keys.length, ...keys, ...args)
      : scripts.run(name, keys, args);
  return Object.assign(Object.create(Scripts.prototype) as Scripts, { run });
}
