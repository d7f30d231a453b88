/** All processes of a browser at once: stopped as a laptop stops that is shut. Linux only: from /proc. */

import { readdirSync, readFileSync } from 'node:fs';
import type { Browser } from 'puppeteer-core';

/** A process that is being stopped may just have started another one. */
const ROUNDS_MAX = 10;

/** @returns what lets them go on */
export function putToSleep(browser: Browser): () => void {
  const root = browser.process()?.pid;
  if (root === undefined) throw new Error('the browser is none that was started here');
  const stopped = new Set<number>();
  const wake = () => {
    for (const pid of stopped) signal(pid, 'SIGCONT');
  };
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const fresh = treeOf(root).filter((pid) => !stopped.has(pid));
    if (fresh.length === 0) return wake;
    for (const pid of fresh) {
      signal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  wake();
  throw new Error(`${browser} goes on starting processes`);
}

/** The process, its children, theirs and so on. */
function treeOf(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? parentOf(pid) : null;
    if (parent !== null) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid]);
  }
  const tree = [root];
  // It grows while it is walked.
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []));
  return tree;
}

/** @returns null where it is gone */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program may hold anything, even brackets.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
