/** What both bare programs share: a POST handler on uWS and life as a child of the bench. */

import uWS, { type HttpResponse, type TemplatedApp } from 'uWebSockets.js';

/** The channel out of `/channels/:name/messages`, and the posted text. */
export type PostHandler = (channel: string, body: string, answer: (id: string) => void) => void;

export function onPost(app: TemplatedApp, handle: PostHandler): void {
  app.post('/channels/:name/messages', (res, req) => {
    const channel = decodeURIComponent(req.getParameter(0) ?? '');
    let isGone = false;
    res.onAborted(() => {
      isGone = true;
    });
    readBody(res, (body) =>
      handle(channel, body, (id) => {
        if (!isGone) res.cork(() => answerCreated(res, id));
      }),
    );
  });
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

function answerCreated(res: HttpResponse, id: string): void {
  res.writeStatus('201 Created').writeHeader('content-type', 'application/json');
  res.end(`{"id":"${id}","edges":1}`);
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
