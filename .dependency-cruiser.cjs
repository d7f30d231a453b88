/**
 * The arrows of the architecture: who may import whom. `npm run check:arrows` holds them.
 *
 * Other packages of the repository are imported by their package name and resolve to `dist`, so a
 * build comes first; an import that resolves to nothing is a violation, never silently skipped.
 */

const PROTOCOL = '^libs/shared/(src|dist)/protocol/';
const CORE = '^apps/edge/src/core/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle makes two files one that is read in two halves.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing would pass every other rule (build first).',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-dependencies',
      comment: 'What a package imports stands in the dependencies of its own package.json.',
      severity: 'error',
      from: { path: '^(apps|libs)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'protocol-stands-alone',
      comment: 'shared/protocol runs in browsers too: no other folder, package or Node module.',
      severity: 'error',
      from: { path: '^libs/shared/src/protocol/' },
      to: { pathNot: PROTOCOL },
    },
    {
      name: 'sdk-stands-alone',
      comment:
        'The browser SDK has no dependency but the shared protocol, which is bundled into it.',
      severity: 'error',
      from: { path: '^libs/sdk/src/' },
      to: { pathNot: ['^libs/sdk/src/', PROTOCOL] },
    },
    {
      name: 'server-stands-alone',
      comment: 'The library for backends has no dependency at all.',
      severity: 'error',
      from: { path: '^libs/server/src/' },
      to: { pathNot: '^libs/server/src/' },
    },
    {
      name: 'core-knows-no-world',
      comment: 'core knows no socket, no Redis and no wire: only itself and shared/protocol.',
      severity: 'error',
      from: { path: CORE },
      to: { pathNot: [CORE, PROTOCOL] },
    },
    {
      name: 'sides-do-not-meet',
      comment: "transport, broker and adapters implement core's ports and do not know each other.",
      severity: 'error',
      from: { path: '^apps/edge/src/(transport|broker|adapters)/' },
      to: { path: '^apps/edge/src/', pathNot: ['^apps/edge/src/$1/', CORE] },
    },
    {
      name: 'only-app-sees-all',
      comment: 'app.ts puts the parts together; no other file beside it reaches into the folders.',
      severity: 'error',
      from: { path: '^apps/edge/src/[^/]+$', pathNot: '^apps/edge/src/(app|main)[.]ts$' },
      to: { path: '^apps/edge/src/[^/]+/' },
    },
    {
      name: 'assembly-for-app',
      comment: 'assembly sees every part, as app.ts does, which alone uses it.',
      severity: 'error',
      from: { pathNot: '^apps/edge/src/(app[.]ts$|assembly/)' },
      to: { path: '^apps/edge/src/assembly/' },
    },
    {
      name: 'app-is-the-root',
      comment: 'Nothing below app.ts knows app.ts, and nothing at all knows main.ts.',
      severity: 'error',
      from: { pathNot: '^apps/[^/]+/src/main[.]ts$' },
      to: { path: '^apps/[^/]+/src/(app|main)[.]ts$' },
    },
    {
      name: 'apps-stand-apart',
      comment: 'An app does not know another one. The halley command does, but by package name.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'shared-by-package',
      comment: 'Apps, tests and benches use @halley/shared by its exports, as a stranger would.',
      severity: 'error',
      from: { path: '^(apps|loadtest)/' },
      to: { path: '^libs/[^/]+/src/' },
    },
    {
      name: 'libs-below-apps',
      comment: 'A library knows no app.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'product-knows-no-test',
      comment: 'Nothing that ships imports tests or benches.',
      severity: 'error',
      from: { path: '^(apps|libs)/' },
      to: { path: '^(test|loadtest)/' },
    },
    {
      name: 'uws-in-transport-only',
      comment:
        'The request object of uWebSockets.js is valid only in its callback: two folders know.',
      severity: 'error',
      from: { pathNot: '^(apps/edge/src/transport|apps/api/src/http|test|loadtest)/' },
      to: { path: 'node_modules/uWebSockets[.]js/' },
    },
    {
      name: 'ioredis-in-redis-only',
      comment: 'Retries, time-outs and re-sends of ioredis are set in one place: shared/redis.',
      severity: 'error',
      from: { pathNot: '^(libs/shared/src/redis|test|loadtest)/' },
      to: { path: 'node_modules/ioredis/' },
    },
    {
      name: 'bullmq-in-jobs-only',
      comment: 'How jobs are kept, locked and tried again is known in one folder: api/jobs.',
      severity: 'error',
      from: { pathNot: '^(apps/api/src/jobs|test)/' },
      to: { path: 'node_modules/bullmq/' },
    },
  ],
  options: {
    // TypeScript 7 has no JavaScript API for dependency-cruiser to parse with, and without a parser
    // it would skip every .ts file without a word. SWC parses them.
    parser: 'swc',
    // Type-only imports are arrows as well.
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '/dist/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
