/** What both bare programs share: a POST handler on uWS and life as a child of the bench. */

import uWS, { type HttpResponse, type TemplatedApp } from 'uWebSockets.js';
import { frameOf, privateFrameOf } from './frame.js';

export interface Posted {
  readonly topic: string;
  /** As it was posted. */
  readonly body: string;
  readonly frame: string;
  answer(id: string): void;
}

/** `/channels/:name/messages`, and the same for one client. */
export function onPost(app: TemplatedApp, handle: (posted: Posted) => void): void {
  const serveAt = (path: string, frame: (topic: string, body: string) => string) =>
    app.post(path, (res, req) => {
      const topic = decodeURIComponent(req.getParameter(0) ?? '');
      onBody(res, (body, answer) =>
        handle({
          topic,
          body,
          frame: frame(topic, body),
          answer: (id) => answer('201 Created', `{"id":"${id}","edges":1}`),
        }),
      );
    });
  serveAt('/channels/:name/messages', frameOf);
  serveAt('/clients/:name/messages', (_, body) => privateFrameOf(body));
}

/** @param handle gets the posted text and what answers it with JSON */
export function onBody(
  res: HttpResponse,
  handle: (body: string, answer: (status: string, json: string) => void) => void,
): void {
  let isGone = false;
  res.onAborted(() => {
    isGone = true;
  });
  readBody(res, (body) =>
    handle(body, (status, json) => {
      if (isGone) return;
      res.cork(() => {
        res.writeStatus(status).writeHeader('content-type', 'application/json').end(json);
      });
    }),
  );
}

/** @param read the whole answer for `/channels/:name/messages?limit=` */
export function onGet(
  app: TemplatedApp,
  read: (channel: string, limit: number) => Promise<string>,
): void {
  app.get('/channels/:name/messages', async (res, req) => {
    const channel = decodeURIComponent(req.getParameter(0) ?? '');
    const limit = Number(req.getQuery('limit'));
    let isGone = false;
    res.onAborted(() => {
      isGone = true;
    });
    const answer = await read(channel, limit);
    if (isGone) return;
    res.cork(() => void res.writeHeader('content-type', 'application/json').end(answer));
  });
}

/** A body of one chunk, which a message nearly always is, is not copied. */
function readBody(res: HttpResponse, done: (body: string) => void): void {
  let earlier = '';
  res.onData((chunk, isLast) => {
    const text = Buffer.from(chunk).toString();
    if (isLast) done(earlier + text);
    else earlier += text;
  });
}

/** Listens on any free loopback port, tells the parent, and goes when the parent does. */
export function serve(app: TemplatedApp): void {
  process.once('disconnect', () => process.exit());
  process.once('SIGTERM', () => process.exit());
  app.listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('no port to listen on');
    process.send?.({ ready: true, port: uWS.us_socket_local_port(socket) });
  });
}
