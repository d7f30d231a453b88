/** Certificates for loopback, made anew for each test by the machine's openssl. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const OPENSSL_DEADLINE_MS = 10_000;
const run = promisify(execFile);

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** What a client trusts: it is its own authority. */
  readonly ca: string;
}

export class Certificates {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async make(name: string): Promise<Certificate> {
    const certFile = join(this.folder, `${name}.crt`);
    const keyFile = join(this.folder, `${name}.key`);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', keyFile, '-out', certFile];
    const args = ['req', '-x509', ...key, ...names, ...files, '-days', '2'];
    await run('openssl', args, { timeout: OPENSSL_DEADLINE_MS });
    return { certFile, keyFile, ca: readFileSync(certFile, 'utf8') };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function newCertificates(): Promise<Certificates> {
  return new Certificates(await mkdtemp(join(tmpdir(), 'halley-tls-')));
}
