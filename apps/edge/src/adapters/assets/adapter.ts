import { refusal } from '@halley/shared/protocol';
import type { HttpDoor, HttpRoute } from '../../core/ports/http.js';
import { answerProblem } from '../native-http/errors.js';
import { Asset } from './asset.js';
import { type DemoBackend, demoCalls } from './demo-calls.js';
import { DEMO_HEADERS, readDemo, readSdk } from './files.js';

export interface Demo {
  readonly backend: DemoBackend;
  /** The port of an api to publish at, and a key for it; null where the edge does not know. */
  readonly hints: { readonly apiPort: number | null; readonly key: string | null };
}

/** What browsers load: the SDK, and in development a page that shows what it can do. */
export class AssetsDoor implements HttpDoor {
  readonly routes: readonly HttpRoute[];

  /**
   * Reads all files.
   * @param demo null: there is none
   * @throws Error where the SDK was not built
   */
  constructor(demo: Demo | null) {
    this.routes = [...fileRoutes('/sdk.js', readSdk()), ...(demo === null ? [] : demoRoutes(demo))];
  }
}

function demoRoutes({ backend, hints }: Demo): HttpRoute[] {
  const hintsFile = new Asset(
    Buffer.from(JSON.stringify(hints)),
    'application/json; charset=utf-8',
    DEMO_HEADERS,
  );
  const calls = demoCalls(backend);
  return [
    ...[...readDemo()].flatMap(([name, file]) =>
      fileRoutes(name === 'index.html' ? '/demo' : `/demo/${name}`, file),
    ),
    ...fileRoutes('/demo/hints.json', hintsFile),
    ...calls,
    ...calls.map(({ path }) => otherMethods(path, 'POST')),
  ];
}

function fileRoutes(path: string, file: Asset): HttpRoute[] {
  const serve: HttpRoute['serve'] = (request, reply) => file.serve(request, reply);
  return [
    { method: 'get', path, bodyMaxBytes: 0, serve },
    { method: 'head', path, bodyMaxBytes: 0, serve },
    otherMethods(path, 'GET, HEAD'),
  ];
}

function otherMethods(path: string, allow: string): HttpRoute {
  const refused = refusal('method-not-allowed', `this path knows ${allow}`);
  return {
    method: 'any',
    path,
    bodyMaxBytes: 0,
    serve: (_, reply) => answerProblem(reply, refused, [['Allow', allow]]),
  };
}
