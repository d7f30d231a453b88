/** Thousands of clients of one edge in a small process in C (native/crowd.c), each checking what it gets. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { signToken } from '@halley/shared/auth';
import { nativeProgram } from './native.js';
import { cpuSecondsOf, pidOf, stopChild } from './program.js';
import { TOKEN_SECRET } from './secrets.js';

export const CROWD_WIRES = ['ws', 'sse', 'poll'] as const;
export type CrowdWire = (typeof CROWD_WIRES)[number];

/** Longer than a run; the edges close a connection when its token ends. */
const TOKEN_SECONDS = 12 * 3_600;
const CLIENT_DIGITS = 8;
const ERRORS_MAX_CHARS = 4_000;

export interface NativeCrowdOptions {
  /** `bare`: WebSockets that say and expect nothing, for uWebSockets.js alone. */
  readonly wire: CrowdWire | 'bare';
  /** Of this process: source addresses of its own go with it. */
  readonly index: number;
  /** Number of its first client. */
  readonly first: number;
  readonly count: number;
  /** Client n listens to the one at n modulo their count. */
  readonly channels: readonly string[];
}

export interface Fault {
  readonly count: number;
  /** The first few. */
  readonly texts: readonly string[];
}

/** Times are those of the machine's monotonic clock, us; 0: not yet. */
export interface NativeCrowdStatus {
  readonly ready: number;
  readonly opening: number;
  /** Connections that ended, or never were, and should not. */
  readonly failed: number;
  /** Ready, and have seen the number that was asked for. */
  readonly through: number;
  readonly messages: number;
  readonly privates: number;
  readonly resumed: number;
  readonly moved: number;
  /** Of connections that were told to move: ended by the edge before they had. */
  readonly cut: number;
  readonly pings: number;
  /** When the last one became ready. */
  readonly readyUs: number;
  readonly firstMessageUs: number;
  readonly lastMessageUs: number;
  /** From sending to receipt, of private messages since the last look. */
  readonly privateUs: readonly number[];
  /** By kind: all that must not happen. */
  readonly faults: Readonly<Record<string, Fault>>;
}

/** The name of a client by its number; all are of one length, and so are their tokens. */
export function clientName(number: number): string {
  return `c${String(number).padStart(CLIENT_DIGITS, '0')}`;
}

export class NativeCrowd {
  readonly name = 'crowd';
  readonly first: number;
  readonly count: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  private constructor({ first, count }: NativeCrowdOptions, child: ChildProcess) {
    this.first = first;
    this.count = count;
    this.#child = child;
    if (child.stdout === null) throw new Error('the crowd has no output');
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-ERRORS_MAX_CHARS);
    });
    // What ended it shows at the next look.
    child.stdin?.on('error', () => undefined);
  }

  /** Nobody is connected yet. */
  static async start(options: NativeCrowdOptions): Promise<NativeCrowd> {
    const program = nativeProgram('crowd');
    const dir = await mkdtemp(join(tmpdir(), 'halley-bench-crowd-'));
    try {
      const tokens = join(dir, 'tokens');
      await writeFile(tokens, tokensOf(options));
      const { wire, first, count, channels, index } = options;
      const values = {
        wire,
        first,
        count,
        channels: channels.join(),
        from: addressOf(index),
        tokens,
      };
      const args = Object.entries(values).map(([name, value]) => `${name}=${value}`);
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
      const crowd = new NativeCrowd(options, child);
      // By its first answer it has mapped the file, which then needs no name any more.
      await crowd.status(0);
      return crowd;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  get pid(): number {
    return pidOf(this.#child);
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** Connects those below `upto`, at most `opening` at a time. */
  open(port: number, upto: number, opening: number): void {
    this.#say(`open ${port} ${upto} ${opening}`);
  }

  /** Ends so many connections, chosen at random. */
  drop(count: number, seed: number): void {
    this.#say(`drop ${count} ${seed}`);
  }

  /** From now on connections may end. */
  letGo(): void {
    this.#say('letgo');
  }

  /** All that are not connected come back, with their positions. */
  comeBack(port: number, opening: number): void {
    this.#say(`return ${port} ${opening}`);
  }

  /** Where those go whose edge says goodbye. */
  moveTo(port: number, opening: number): void {
    this.#say(`elsewhere ${port} ${opening}`);
  }

  /** Forgets the times of the first and the last message, and of the last one that became ready. */
  watch(): void {
    this.#say('watch');
  }

  /** @throws Error with what the process said, if it has ended */
  async status(number: number): Promise<NativeCrowdStatus> {
    this.#say(`status ${number}`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the crowd ended:\n${this.#errors}`);
    return JSON.parse(value) as NativeCrowdStatus;
  }

  stop(): Promise<void> {
    this.#child.stdin?.end();
    return stopChild(this.#child);
  }

  #say(command: string): void {
    this.#child.stdin?.write(`${command}\n`);
  }
}

function tokensOf({ first, count, channels }: NativeCrowdOptions): string {
  const tokens = Array.from({ length: count }, (_, at) => {
    const request = { clientId: clientName(first + at), subscribe: channels };
    return signToken(TOKEN_SECRET, { ...request, ttlSeconds: TOKEN_SECONDS }).token;
  });
  return tokens.map((token) => `${token}\n`).join('');
}

/** The first of eight in 127.0.0.0/8, and never 127.0.0.1, which others use. */
function addressOf(index: number): string {
  return `127.${1 + Math.floor(index / 250)}.${index % 250}.1`;
}
