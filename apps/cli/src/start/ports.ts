/** Ports are proved free before anything starts: a second listen on a shared uWS port succeeds. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { StartProblem } from './start-problem.js';

export interface PortClaim {
  /** The setting that the port comes from. */
  readonly setting: string;
  /** 0 claims nothing: the system draws a free one. */
  readonly port: number;
}

/**
 * Takes all ports at once and lets go of them. Node listens without SO_REUSEPORT, so a listener that
 * shares its port with others of its kind (another Halley) refuses it too.
 * @throws StartProblem with a line for each port that cannot be had
 */
export async function checkPorts(host: string, claims: readonly PortClaim[]): Promise<void> {
  const servers: Server[] = [];
  const problems: string[] = [];
  for (const { setting, port } of claims) {
    if (port === 0) continue;
    const got = await listen(host, port);
    if ('code' in got) problems.push(describe(setting, host, port, got.code));
    else servers.push(got.server);
  }
  await Promise.all(servers.map(close));
  if (problems.length > 0) throw new StartProblem(...problems);
}

/** A loopback port that is free now, for a program that cannot draw one itself. */
export async function freePort(): Promise<number> {
  const got = await listen('127.0.0.1', 0);
  if ('code' in got) throw new StartProblem(`no loopback port can be had (${got.code}).`);
  const { port } = got.server.address() as AddressInfo;
  await close(got.server);
  return port;
}

async function listen(host: string, port: number): Promise<{ server: Server } | { code: string }> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
    return { server };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

function describe(setting: string, host: string, port: number, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `${setting}: port ${port} on ${host} is taken by another program: stop it, or set another port.`;
    case 'EACCES':
      return `${setting}: port ${port} needs root: set a port from 1024 on.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HALLEY_HOST: this machine has no address ${host}.`;
    default:
      return `${setting}: port ${port} on ${host} cannot be had (${code}).`;
  }
}
