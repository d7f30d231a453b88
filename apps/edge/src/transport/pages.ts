import { App, type HttpResponse, SSLApp, type TemplatedApp } from './uws.js';

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  404: 'Not Found',
  503: 'Service Unavailable',
};

/** Certificate and key, PEM. uWebSockets.js takes TLS 1.2 and 1.3 only. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export function createApp(tls?: TlsFiles): TemplatedApp {
  if (tls === undefined) return App();
  return SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile });
}

/** Serves a page that is made anew for each request. */
export function servePage(
  app: TemplatedApp,
  path: string,
  render: () => Page | Promise<Page>,
): void {
  app.get(path, (response) => {
    const page = render();
    if (page instanceof Promise) answerLater(response, page);
    else answer(response, page);
  });
}

/** What no door and no page serves. */
export function serveNotFound(app: TemplatedApp): void {
  app.any('/*', (response) => {
    answer(response, { status: 404, type: 'text/plain', body: 'There is nothing here.\n' });
  });
}

function answerLater(response: HttpResponse, page: Promise<Page>): void {
  let isAborted = false;
  response.onAborted(() => {
    isAborted = true;
  });
  page.then(
    (made) => {
      if (!isAborted) response.cork(() => answer(response, made));
    },
    () => {
      if (!isAborted) response.close();
    },
  );
}

function answer(response: HttpResponse, { status, type, body }: Page): void {
  response
    .writeStatus(`${status} ${REASONS[status] ?? 'Error'}`)
    .writeHeader('Content-Type', type)
    .writeHeader('X-Content-Type-Options', 'nosniff')
    .end(body);
}
