/** For servers that cannot choose a port, or cannot say which one they chose. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** On loopback; somebody else may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
