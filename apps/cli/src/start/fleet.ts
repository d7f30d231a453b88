/** The programs of one machine: Redis below, the api and the edges on top of it. */

import type { Launch, Ready } from './launch.js';
import type { LineWriter } from './log-lines.js';
import { Program, type ProgramEvents } from './program.js';
import { StartProblem } from './start-problem.js';

/** Redis writes its file and goes; it has no clients by then. */
const REDIS_STOP_MS = 10_000;

export interface FleetOptions {
  readonly writeLine: LineWriter;
  /** Redis says every start and stop at length; it is told only to who asked for more. */
  readonly showsRedisLines: boolean;
  readonly say: (line: string) => void;
}

export class Fleet {
  /** Rejects with the first problem that no restart can heal. */
  readonly failure: Promise<never>;
  readonly #options: FleetOptions;
  readonly #services: Program[] = [];
  #redis: Program | undefined;
  #isStopping = false;
  #fail: (problem: StartProblem) => void = () => undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => undefined); // Whoever waits for it handles it.
  }

  startRedis(launch: Launch): Promise<Ready> {
    const silent = () => undefined;
    const line = this.#options.showsRedisLines ? {} : { line: silent };
    this.#redis = new Program('redis', launch, { ...this.#events(), ...line });
    return this.#start(this.#redis);
  }

  startService(name: string, launch: Launch): Promise<Ready> {
    const program = new Program(name, launch, this.#events());
    this.#services.push(program);
    return this.#start(program);
  }

  /** Lets the services drain for at most `drainMs`, then ends Redis. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#services.map((service) => service.stop(drainMs)));
    await this.#redis?.stop(REDIS_STOP_MS);
  }

  /** Cuts a drain short; `stop` then goes on to Redis, which always ends in order. */
  killServices(): void {
    for (const service of this.#services) service.kill();
  }

  /** A Ctrl-C in the middle of the start: what was not started yet stays so. */
  #start(program: Program): Promise<Ready> {
    return this.#isStopping ? new Promise(() => undefined) : program.start();
  }

  #events(): ProgramEvents {
    const { writeLine, say } = this.#options;
    return {
      line: (program, text) => writeLine(program.name, text),
      crash: (program, end, restartMs) =>
        say(`${program.name} ${end}; it is started again in ${restartMs / 1000} s.`),
      recovery: (program) => say(`${program.name} is back.`),
      fatal: (program, line) => this.#fail(new StartProblem(`${program.name}: ${line}`)),
    };
  }
}
