/** Fleets that reach their Redis by TLS with an authority that nobody else knows. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from './authority.js';
import { type Fleet, type FleetOptions, startFleet } from './fleet.js';
import type { ServerTls } from './redis.js';

export class SecureFleets {
  readonly #dir: string;
  /** For the servers. */
  readonly tls: ServerTls;

  private constructor(dir: string, tls: ServerTls) {
    this.#dir = dir;
    this.tls = tls;
  }

  static async prepare(): Promise<SecureFleets> {
    const tls = await makeCertificates();
    const dir = await mkdtemp(join(tmpdir(), 'halley-tls-'));
    const fleets = new SecureFleets(dir, tls);
    await writeFile(fleets.#caFile, tls.ca);
    return fleets;
  }

  start(options: FleetOptions): Promise<Fleet> {
    return startFleet({ ...options, env: { ...options.env, HALLEY_REDIS_CA: this.#caFile } });
  }

  async clear(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  get #caFile(): string {
    return join(this.#dir, 'ca.pem');
  }
}
