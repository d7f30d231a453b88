/** What of this machine would stop the run, said before it begins. */

import { readFileSync } from 'node:fs';
import type { MillionSettings } from './settings.js';

/** Files of a process beside its connections: Redis, files of Node, pipes. */
const OTHER_FILES = 100;
/** Of a client process: connections that are left while the next ones are made. */
const PARTING_FILES = 300;
/** native/visitor.h */
const SOURCE_ADDRESSES = 8;
const CONNTRACK_MAX = '/proc/sys/net/netfilter/nf_conntrack_max';
const CONNTRACK_COUNT = '/proc/sys/net/netfilter/nf_conntrack_count';

/** @throws Error with a line for each limit that is too low, and what to change */
export function checkLimits(settings: MillionSettings): void {
  const problems = [
    ...fileProblems(settings),
    ...systemFileProblems(settings),
    ...portProblems(settings),
  ];
  if (problems.length > 0)
    throw new Error(`this machine cannot hold them:\n${problems.join('\n')}`);
}

function fileProblems({ connections, perEdge }: MillionSettings): string[] {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const hard = /^Max open files +\S+ +(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
  const files = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  const needed = Math.min(connections, perEdge) + OTHER_FILES + PARTING_FILES;
  if (needed <= files) return [];
  const fitting = files - OTHER_FILES - PARTING_FILES;
  return [
    `a process may have ${files} files and needs ${needed}: set MILLION_PER_EDGE to ${fitting} or less, or raise the limit (ulimit -Hn)`,
  ];
}

/** Each connection has two ends here. */
function systemFileProblems({ connections }: MillionSettings): string[] {
  const [open = 0, , max = 0] = readFileSync('/proc/sys/fs/file-nr', 'latin1')
    .split(/\s+/)
    .map(Number);
  const needed = open + 2 * connections + 10_000;
  if (needed <= max) return [];
  return [
    `all processes together may have ${max} files and ${needed} are needed: sysctl fs.file-max=${needed}`,
  ];
}

/** A client process has eight source addresses, and each connection a port of its own there. */
function portProblems({ connections, perEdge }: MillionSettings): string[] {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
  const [low = 0, high = 0] = range.split(/\s+/).map(Number);
  const needed = Math.ceil(Math.min(connections, perEdge) / SOURCE_ADDRESSES) + PARTING_FILES;
  const ports = high - low + 1;
  if (needed <= ports) return [];
  return [
    `an address has ${ports} ports and needs ${needed}: lower MILLION_PER_EDGE, or sysctl net.ipv4.ip_local_port_range="15000 65535"`,
  ];
}

/**
 * Connection tracking counts loopback connections only where a rule of the packet filter asks for it, so
 * one has to look while some stand.
 * @param standing how many do
 * @throws Error that says what to change
 */
export function checkTracking(standing: number, connections: number): void {
  const max = numberOf(CONNTRACK_MAX);
  const count = numberOf(CONNTRACK_COUNT);
  if (max === null || count === null || count < standing / 2 || connections < max) return;
  throw new Error(
    `the packet filter tracks the connections of this run (nf_conntrack_count ${count}), ${max} at most: sysctl net.netfilter.nf_conntrack_max=${2 * connections}, or take away the rules that track loopback`,
  );
}

/** null where nothing is tracked at all. */
function numberOf(path: string): number | null {
  try {
    return Number(readFileSync(path, 'latin1'));
  } catch {
    return null;
  }
}
