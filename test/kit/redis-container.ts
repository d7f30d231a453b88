/** The same server in a container, where a Docker engine of this machine runs. */

import { userInfo } from 'node:os';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { argumentsOf, type RedisCommand, type RedisServer } from './redis-server.js';
import { eventually, within } from './wait.js';

const START_DEADLINE_MS = 20_000;
const CALL_DEADLINE_MS = 10_000;
const OUTPUT_MAX_CHARS = 64_000;
/** What a server prints first, whatever becomes of it. */
const FIRST_LINE = /Redis is starting|Configuration loaded|FATAL|Ready to accept/;

type Container = Awaited<ReturnType<typeof startContainer>>;

// Its reaper container would have to be pulled from a registry; `kill` removes ours by its id.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
// Else it would ask for a bridge's gateway where the tests themselves run in a container.
process.env['TESTCONTAINERS_HOST_OVERRIDE'] = '127.0.0.1';

/** Rejects where no Docker engine answers: who names an image wants that one and no other. */
export async function launchContainer(image: string, command: RedisCommand): Promise<RedisServer> {
  return new ContainerServer(await startContainer(image, command));
}

/**
 * The host's network and the same folder at the same path: a container is reached, and finds its
 * files, as a process would, whatever the engine has of bridges and volumes.
 */
async function startContainer(image: string, command: RedisCommand) {
  const output = { text: '' };
  const { uid, gid } = userInfo();
  const started = await new GenericContainer(image)
    .withEntrypoint(['redis-server'])
    .withCommand(argumentsOf(command))
    .withNetworkMode('host')
    .withLabels({ 'halley.run': process.env['HALLEY_TEST_RUN'] ?? '' })
    .withUser(`${uid}:${gid}`)
    .withBindMounts([{ source: command.dir, target: command.dir, mode: 'rw' }])
    .withWaitStrategy(Wait.forLogMessage(FIRST_LINE))
    .withStartupTimeout(START_DEADLINE_MS)
    .withLogConsumer((stream) => {
      stream.on('data', (chunk: Buffer | string) => {
        output.text = (output.text + String(chunk)).slice(-OUTPUT_MAX_CHARS);
      });
    })
    .start();
  const client = await getContainerRuntimeClient();
  return { started, output, handle: client.container.getById(started.getId()) };
}

class ContainerServer implements RedisServer {
  readonly #container: Container;
  #isRunning = true;
  #isPaused = false;

  constructor(container: Container) {
    this.#container = container;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get output(): string {
    return this.#container.output.text;
  }

  async printed(text: string | RegExp, deadlineMs?: number): Promise<void> {
    const holds = () =>
      typeof text === 'string' ? this.output.includes(text) : text.test(this.output);
    const settled = await eventually(
      async () => {
        if (holds()) return 'printed';
        const { State } = await this.#container.handle.inspect();
        return State.Running || holds() ? null : 'ended';
      },
      `the container prints ${String(text)}; it printed:\n${this.output}`,
      deadlineMs,
    );
    if (settled === 'ended' && !holds()) throw new Error(`the container ended:\n${this.output}`);
  }

  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    // Removal by force is a SIGKILL, to a paused one too.
    await this.#call(this.#container.handle.remove({ force: true, v: true }), 'is removed');
  }

  async pause(): Promise<void> {
    if (this.#isPaused) return;
    await this.#call(this.#container.handle.pause(), 'is paused');
    this.#isPaused = true;
  }

  /** As with a process, nothing happens to one that runs. */
  async resume(): Promise<void> {
    if (!this.#isPaused || !this.#isRunning) return;
    await this.#call(this.#container.handle.unpause(), 'goes on');
    this.#isPaused = false;
  }

  async #call(answer: Promise<unknown>, what: string): Promise<void> {
    await within(answer, `the container ${what}`, CALL_DEADLINE_MS);
  }
}
