import { servePage } from './pages.js';
import type { TemplatedApp } from './uws.js';

/** `/healthz`: this process runs. `/readyz`: it can do its work. */
export function serveHealth(app: TemplatedApp, isReady: () => boolean): void {
  servePage(app, '/healthz', () => ({ status: 200, type: 'text/plain', body: 'ok\n' }));
  servePage(app, '/readyz', () =>
    isReady()
      ? { status: 200, type: 'text/plain', body: 'ready\n' }
      : { status: 503, type: 'text/plain', body: 'not ready\n' },
  );
}
