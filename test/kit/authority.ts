/** Certificates for 127.0.0.1 and localhost, of an authority that exists for one test. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerTls } from './redis.js';

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
const NAMES = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
const MAKE_DEADLINE_MS = 10_000;

export async function makeCertificates(): Promise<ServerTls> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-certificates-'));
  const openssl = (...args: string[]) =>
    run('openssl', ['req', '-x509', '-days', '2', ...KEY, ...args], {
      cwd: dir,
      timeout: MAKE_DEADLINE_MS,
    });
  try {
    await openssl('-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test authority');
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', NAMES];
    const leaf = ['-addext', 'basicConstraints=critical,CA:false', '-subj', '/CN=test server'];
    await openssl('-keyout', 'key', '-out', 'server.crt', ...signed, ...leaf);
    const read = (name: string) => readFile(join(dir, name), 'utf8');
    return { ca: await read('ca.crt'), cert: await read('server.crt'), key: await read('key') };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
