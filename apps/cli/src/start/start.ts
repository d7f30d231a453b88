/** `halley start`: checks everything that can be wrong, brings the machine's programs up, and down. */

import { availableParallelism } from 'node:os';
import { loadSettings, type Settings, SettingsError } from '@halley/shared/config';
import { urlWithoutSecrets } from '@halley/shared/ops';
import { EXIT } from '../exit-codes.js';
import { embeddedRedis } from './embedded-redis.js';
import { Fleet } from './fleet.js';
import { greeting } from './greeting.js';
import { appLaunch } from './launch.js';
import { writeRaw, writeReadable } from './log-lines.js';
import { checkPorts } from './ports.js';
import { StartProblem } from './start-problem.js';
import { StopSignals } from './stop-signals.js';

type Env = NodeJS.ProcessEnv;

/** What a drain may take beyond its own deadline before the process is killed. */
const DRAIN_MARGIN_MS = 10_000;

/** Runs until a signal or a problem; resolves with the exit code when every process is gone. */
export async function start(env: Env): Promise<number> {
  try {
    const settings = loadSettings(env);
    for (const warning of settings.warnings) say(warning);
    return await run(settings, env);
  } catch (error) {
    if (error instanceof SettingsError) error.problems.forEach(say);
    else if (error instanceof StartProblem) error.lines.forEach(say);
    else throw error;
    return EXIT.config;
  }
}

async function run(settings: Settings, env: Env): Promise<number> {
  const edges = edgeCount(settings);
  await checkPorts(settings.host, portClaims(settings, edges));
  const fleet = new Fleet({
    say,
    writeLine: settings.production ? writeRaw : writeReadable,
    showsRedisLines: ['info', 'debug', 'trace'].includes(env['HALLEY_LOG_LEVEL'] ?? ''),
  });
  const signals = new StopSignals();
  const drainMs = settings.edge.drainSeconds * 1000 + DRAIN_MARGIN_MS;
  try {
    const end = Promise.race([signals.first, fleet.failure]);
    await Promise.race([bringUp(fleet, settings, env, edges), end]);
    await end;
    say('stopping: connections are told to go elsewhere. Ctrl-C again stops at once.');
  } finally {
    void signals.second.then(() => fleet.killServices());
    await fleet.stop(drainMs);
    signals.close();
  }
  return signals.isUrgent ? EXIT.interrupted : EXIT.ok;
}

async function bringUp(fleet: Fleet, settings: Settings, env: Env, edges: number): Promise<void> {
  const redis = settings.redisUrl === undefined ? await embeddedRedis(settings.dataDir) : undefined;
  if (redis) await fleet.startRedis(redis.launch);
  const shared = serviceEnv(settings, env, redis?.url ?? settings.redisUrl ?? '');
  const [api, ...edgesReady] = await Promise.all([
    fleet.startService('api', appLaunch('api', shared)),
    ...Array.from({ length: edges }, (_, index) =>
      fleet.startService(
        `edge ${index}`,
        appLaunch('edge', { ...shared, HALLEY_EDGE_INDEX: String(index) }),
      ),
    ),
  ]);
  const text = greeting({
    isProduction: settings.production,
    hasTls: settings.tls !== undefined,
    host: settings.host,
    apiPort: api.port,
    edgePorts: edgesReady.map(({ port }) => port),
    edgeAdminPorts: edgesReady.flatMap(({ adminPort }) => adminPort ?? []),
    doorPorts: {
      megacomet: settings.edge.megacometPort,
      megacometManager: settings.api.megacometManagerPort,
      dps: settings.edge.dpsPort,
    },
    redis: redis
      ? `private, on a loopback port; its data is in ${redis.folder}`
      : urlWithoutSecrets(settings.redisUrl ?? ''),
    developmentKey: settings.production || env['HALLEY_API_KEYS'] ? null : 'dev-key',
  });
  process.stdout.write(`\n${text}\n`);
}

/** Several edges share one port, which the system can therefore not draw for them. */
function edgeCount(settings: Settings): number {
  const count = settings.edge.count ?? availableParallelism();
  if (settings.edge.port !== 0 || count === 1) return count;
  throw new StartProblem('HALLEY_EDGE_PORT: several edges cannot share port 0: set a port.');
}

function portClaims({ api, edge }: Settings, edges: number) {
  const admin = Array.from({ length: edges }, (_, index) => ({
    setting: index === 0 ? 'HALLEY_EDGE_ADMIN_PORT' : `HALLEY_EDGE_ADMIN_PORT + ${index}`,
    port: edge.adminPort === 0 ? 0 : edge.adminPort + index,
  }));
  return [
    { setting: 'HALLEY_API_PORT', port: api.port },
    { setting: 'HALLEY_EDGE_PORT', port: edge.port },
    ...admin,
    { setting: 'HALLEY_MEGACOMET_PORT', port: edge.megacometPort },
    { setting: 'HALLEY_MEGACOMET_MANAGER_PORT', port: api.megacometManagerPort },
    { setting: 'HALLEY_DPS_PORT', port: edge.dpsPort },
  ];
}

function serviceEnv(settings: Settings, env: Env, redisUrl: string): Env {
  return {
    // At a terminal only what went wrong; a collector gets all.
    HALLEY_LOG_LEVEL: settings.production ? settings.logLevel : 'warn',
    ...env,
    REDIS_URL: redisUrl,
    // uWS answers 431 at random above its default of 4 KiB: tokens and cookies need more.
    UWS_HTTP_MAX_HEADERS_SIZE: '16384',
  };
}

function say(line: string): void {
  process.stderr.write(`halley: ${line}\n`);
}
