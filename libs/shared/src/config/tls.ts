/** The certificate with which the edges and the api speak TLS themselves. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Both are read again by each process that listens. */
export interface TlsFiles {
  /** PEM: the certificate of this server, then those that lead to its authority. */
  readonly certFile: string;
  /** PEM, without a passphrase. */
  readonly keyFile: string;
}

/**
 * Checks at start what uWebSockets.js would answer by a port that nobody can listen on.
 * @param problems gets a sentence for each thing wrong; none holds anything of the key
 */
export function readTls(
  certFile: string | undefined,
  keyFile: string | undefined,
  problems: string[],
): TlsFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const missing = certFile === undefined ? 'HALLEY_TLS_CERT' : 'HALLEY_TLS_KEY';
    problems.push(`${missing} must be set too: TLS needs HALLEY_TLS_CERT and HALLEY_TLS_KEY`);
    return undefined;
  }
  const cert = readCertificate(certFile, problems);
  const key = readKey(keyFile, problems);
  if (cert === null || key === null) return undefined;
  if (!cert.checkPrivateKey(key)) {
    problems.push(`HALLEY_TLS_KEY ${keyFile} is not the key of HALLEY_TLS_CERT ${certFile}`);
  }
  return { certFile, keyFile };
}

/** What clients will refuse, though it can be listened with. */
export function tlsAdvice({ certFile }: TlsFiles, nowMs: number = Date.now()): string[] {
  const cert = new X509Certificate(readFileSync(certFile));
  const isValid = Date.parse(cert.validFrom) <= nowMs && nowMs < Date.parse(cert.validTo);
  const validity = `${cert.validFrom} to ${cert.validTo}`;
  return isValid ? [] : [`HALLEY_TLS_CERT ${certFile} is valid from ${validity}, not now`];
}

function readCertificate(file: string, problems: string[]): X509Certificate | null {
  const text = readPem('HALLEY_TLS_CERT', file, problems);
  if (text === null) return null;
  try {
    return new X509Certificate(text);
  } catch {
    problems.push(`HALLEY_TLS_CERT ${file} must be a certificate in PEM`);
    return null;
  }
}

function readKey(file: string, problems: string[]): KeyObject | null {
  const text = readPem('HALLEY_TLS_KEY', file, problems);
  if (text === null) return null;
  try {
    return createPrivateKey(text);
  } catch {
    // OpenSSL's own words could repeat what is in the file.
    problems.push(`HALLEY_TLS_KEY ${file} must be a private key in PEM, without a passphrase`);
    return null;
  }
}

function readPem(name: string, file: string, problems: string[]): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    problems.push(`${name} ${file} cannot be read: ${code}`);
    return null;
  }
}
