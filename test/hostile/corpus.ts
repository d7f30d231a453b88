/** Attacks one port in batches; after each one the process, its log and a good client are looked at. */

import { createConnection, type Socket } from 'node:net';
import type { Service } from '../kit/fleet.js';
import { Random } from '../kit/random.js';
import { within } from '../kit/wait.js';
import type { Attack, MakeAttack } from './attacks.js';

/** Connections at once: below what any cap of connections of one address may be. */
const BATCH_CASES = 40;
const FRAMES_DEADLINE_MS = 2_000;

export interface AttackedPort {
  readonly name: string;
  readonly service: () => Service;
  readonly port: () => number;
  readonly attack: MakeAttack;
  /** Resolves once a good client of this port has got what is meant for it. */
  readonly isGood: () => Promise<void>;
}

/** A process that does not do what it must, with the number of the case that began the batch. */
export class CorpusFailure extends Error {
  override readonly name = 'CorpusFailure';
}

/** @returns how many cases were sent */
export async function attack(one: AttackedPort, seed: number, cases: number): Promise<number> {
  const { pid } = one.service();
  for (let first = 0; first < cases; first += BATCH_CASES) {
    const count = Math.min(BATCH_CASES, cases - first);
    const attacks = Array.from({ length: count }, (_, index) =>
      one.attack(Random.ofCase(seed, first + index)),
    );
    const ends = await Promise.all(attacks.map((each) => Attacker.send(one.port(), each)));
    const problem = (await goodProblem(one)) ?? problemOf(one, pid, ends);
    for (const [index, end] of ends.entries()) end.leave(index % 2 === 0);
    if (problem !== null) {
      const where = `HOSTILE_SEED=${seed}, cases ${first} to ${first + count - 1}`;
      throw new CorpusFailure(`${one.name}: ${problem} (${where})`);
    }
  }
  return cases;
}

async function goodProblem({ isGood }: AttackedPort): Promise<string | null> {
  try {
    await isGood();
    return null;
  } catch (error) {
    return `the good client got nothing: ${String(error)}`;
  }
}

function problemOf({ service }: AttackedPort, pid: number, ends: Attacker[]): string | null {
  const { isRunning, output } = service();
  if (!isRunning || service().pid !== pid) return `the process has ended: ${output.slice(-2_000)}`;
  const defect = /.*(?:defect|uncaught|unhandled).*/i.exec(output)?.[0];
  if (defect !== undefined) return `its log says ${defect.slice(0, 2_000)}`;
  for (const { received, sent } of ends) {
    const found = /HTTP\/1\.1 500|"code":"internal"/.exec(received);
    if (found !== null) return `${received.slice(0, 500)} to ${sent}`;
    if (/^X-Injected:/im.test(received)) return `an injected header in ${received} to ${sent}`;
    if (/^data: injected/m.test(received)) return `an injected event in ${received} to ${sent}`;
  }
  return null;
}

/** One connection of the corpus. */
class Attacker {
  readonly sent: string;
  readonly #socket: Socket;
  #received = '';

  private constructor(socket: Socket, { bytes }: Attack) {
    this.#socket = socket;
    this.sent = JSON.stringify(bytes.toString('latin1').slice(0, 2_000));
  }

  /** Resolves when the kernel has everything, or the server has had enough. */
  static async send(port: number, attack: Attack): Promise<Attacker> {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    const attacker = new Attacker(socket, attack);
    socket.on('data', (bytes) => {
      attacker.#received += bytes.toString('latin1');
    });
    const over = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.once('error', () => resolve());
    });
    await Promise.race([over, written(socket, attack.bytes)]);
    if (attack.frames === undefined) return attacker;
    // Frames count behind an answer only; a broken upgrade may never have one.
    const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    const isSocket = attack.bytes.subarray(-4).toString() === '\r\n\r\n';
    if (isSocket)
      await within(Promise.race([over, answered]), '', FRAMES_DEADLINE_MS).catch(() => 0);
    if (!attacker.#received.startsWith('HTTP/1.1 101')) return attacker;
    for (const frame of attack.frames) await Promise.race([over, written(socket, frame)]);
    return attacker;
  }

  get received(): string {
    return this.#received;
  }

  leave(isPolite: boolean): void {
    if (isPolite) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}
