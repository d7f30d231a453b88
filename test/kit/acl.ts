/** The users of docs/redis.md, and what Redis refused to one. */

import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const PAGE = new URL('../../docs/redis.md', import.meta.url);
const USER = 'halley';
/** How the page's lines are told from each other; what is kept are the rules. */
const LINES = {
  all: /^user halley on >SECRET (.+)$/gm,
  jobs: /^ACL SETUSER halley \((.+)\)$/gm,
  cluster: /^ACL SETUSER halley (\+.+)$/gm,
};
export const ACL_SECRET = 'acl-secret';

export function rulesOf(line: keyof typeof LINES): string[] {
  const [found, ...more] = [...readFileSync(PAGE, 'utf8').matchAll(LINES[line])];
  if (found?.[1] === undefined || more.length > 0) throw new Error(`not one line for ${line}`);
  return found[1].split(' ');
}

/** A line of configuration. @param more for it beside what every fleet needs */
export function userLine(more: readonly string[] = []): string {
  const rules = [...rulesOf('all'), jobsRule(), ...more];
  return ['user', USER, 'on', `>${ACL_SECRET}`, ...rules].join(' ');
}

/** The address of a server, as that user. */
export function asUser(url: string): string {
  return url.replaceAll(/:\/\/:[^@]+@/g, `://${USER}:${ACL_SECRET}@`);
}

/** Takes one rule of `all` or `cluster` from the user; what it returns gives it back. */
export async function dropRule(admin: Redis, rule: string): Promise<() => Promise<void>> {
  await admin.call('ACL', 'SETUSER', USER, ...without(rule));
  return async () => void (await admin.call('ACL', 'SETUSER', USER, rule));
}

function jobsRule(): string {
  return `(${rulesOf('jobs').join(' ')})`;
}

/** Patterns can only be taken away all at once. */
function without(rule: string): string[] {
  const kind = rule.charAt(0);
  if (kind === '+') return [`-${rule.slice(1)}`];
  const others = rulesOf('all').filter((other) => other.startsWith(kind) && other !== rule);
  return [kind === '~' ? 'resetkeys' : 'resetchannels', ...others];
}

/** Asked for and done without: settings to compare, and names for connections. */
export const NEEDLESS: readonly string[] = ['command config|get', 'command client|setname'];

/** What was refused since `forgetRefusals`: commands, or keys and channels. */
export async function refusals(admin: Redis): Promise<string[]> {
  const entries = (await admin.call('ACL', 'LOG')) as unknown[];
  return entries.map((entry) => {
    const fields = Array.isArray(entry)
      ? (entry as unknown[])
      : Object.entries(Object(entry)).flat();
    return `${fields[fields.indexOf('reason') + 1]} ${fields[fields.indexOf('object') + 1]}`;
  });
}

export async function forgetRefusals(admin: Redis): Promise<void> {
  await admin.call('ACL', 'LOG', 'RESET');
}

/** Whether a refusal is what comes of a missing rule. */
export function isFor(rule: string, refusal: string): boolean {
  if (rule.startsWith('~')) return refusal.startsWith('key ');
  if (rule.startsWith('&')) return refusal.startsWith('channel ');
  // A command that jobs may use on their keys is logged as refused for its key.
  const isOfJobs = rulesOf('jobs').includes(rule) && refusal.startsWith('key ');
  return isOfJobs || refusal === `command ${rule.slice(1)}`;
}
