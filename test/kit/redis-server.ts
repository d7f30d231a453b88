/** A `redis-server` or `redis-sentinel` as a process of this machine. */

import { spawn } from 'node:child_process';
import { Child } from './child.js';

/** One life of a server. A `Child` is one; so is a container. */
export interface RedisServer {
  readonly isRunning: boolean;
  /** The end of what it has printed. */
  readonly output: string;
  /** Resolves once the output holds `text`; rejects where the server ends without it. */
  printed(text: string | RegExp, deadlineMs?: number): Promise<void>;
  /** SIGKILL: the crash of a process. */
  kill(): Promise<unknown>;
  /** Stops it as a swapped-out machine would; its sockets stay open. */
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}

/** What a server is started from: nothing else of the machine reaches it. */
export interface RedisCommand {
  /** The only folder that it may need; the file lies in it. */
  readonly dir: string;
  readonly file: string;
  readonly isSentinel?: boolean;
}

/** Resolves at once: what the server prints tells when it serves. */
export type Launch<S extends RedisServer = RedisServer> = (command: RedisCommand) => Promise<S>;

/** setpriv has the kernel end the server with the test run. */
export async function launchProcess(command: RedisCommand): Promise<Child> {
  const args = ['--pdeathsig', 'KILL', '--', 'redis-server', ...argumentsOf(command)];
  const name = command.isSentinel === true ? 'redis-sentinel' : 'redis-server';
  return new Child(name, spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

export function argumentsOf({ file, isSentinel }: RedisCommand): string[] {
  return isSentinel === true ? [file, '--sentinel'] : [file];
}
