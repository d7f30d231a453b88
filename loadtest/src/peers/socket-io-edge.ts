/** Holds the sockets: each joins the room that its connect packet names. */

import { createServer } from 'node:http';
import { connectServer, serve } from './socket-io-server.js';

const [redisUrl = ''] = process.argv.slice(2);
const http = createServer();
const { io, subscribed } = connectServer(redisUrl, http);

// The docs advise it: the request of each connection would stay in memory.
io.engine.on('connection', (socket: { request: unknown }) => {
  socket.request = null;
});
io.on('connection', async (socket) => {
  await socket.join(String(socket.handshake.auth['room']));
  await subscribed();
  socket.emit('subscribed');
});
serve(http);
