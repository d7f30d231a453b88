/** uWebSockets.js is CommonJS, whose names Node cannot import one by one: this is its one import. */

import uws from 'uWebSockets.js';

export const { App, DISABLED, SSLApp, us_listen_socket_close, us_socket_local_port } = uws;
export type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
  WebSocket,
} from 'uWebSockets.js';
