/** The users of docs/redis.md, and what Redis refused to one. */

import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const PAGE = new URL('../../docs/redis.md', import.meta.url);
const USER = 'halley';
/** What the page's lines begin with. */
export const USER_LINE = 'user halley on >SECRET';
export const CLUSTER_LINE = 'ACL SETUSER halley';
export const ACL_SECRET = 'acl-secret';

/** The rules of the page's line that begins so, without name, state and password. */
export function rulesOf(lineStart: string): string[] {
  const lines = readFileSync(PAGE, 'utf8').split('\n');
  const [line, ...more] = lines.filter((text) => text.startsWith(lineStart));
  if (line === undefined || more.length > 0) throw new Error(`not one line: ${lineStart}`);
  return line.slice(lineStart.length).trim().split(' ');
}

export function userLine(rules: readonly string[]): string {
  return ['user', USER, 'on', `>${ACL_SECRET}`, ...rules].join(' ');
}

/** The address of a server, as that user. */
export function asUser(url: string): string {
  return url.replaceAll(/:\/\/:[^@]+@/g, `://${USER}:${ACL_SECRET}@`);
}

/** Takes one rule from the user; what it returns gives it back. */
export async function dropRule(admin: Redis, rule: string): Promise<() => Promise<void>> {
  const opposite = { '~': 'resetkeys', '&': 'resetchannels' }[rule[0] ?? ''];
  await admin.call('ACL', 'SETUSER', USER, opposite ?? rule.replace('+', '-'));
  return async () => void (await admin.call('ACL', 'SETUSER', USER, rule));
}

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
