/** Takes the POSTs: a second server, as the one of a backend, with no sockets of its own. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { connectServer, serve } from './socket-io-server.js';

const [redisUrl = ''] = process.argv.slice(2);
const { io, subscribed } = connectServer(redisUrl);

/** `POST /rooms/:room` with a message in JSON. A request that fails leaves the process. */
async function publish(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const room = decodeURIComponent(request.url?.slice('/rooms/'.length) ?? '');
  io.to(room).emit('message', JSON.parse(await text(request)));
  response.writeHead(201, { 'content-type': 'application/json', 'content-length': 2 }).end('{}');
}

await subscribed();
// Connections stay open: the load does not open new ones.
serve(
  createServer({ keepAliveTimeout: 0 }, (request, response) => void publish(request, response)),
);
