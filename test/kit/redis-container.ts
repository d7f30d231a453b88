/** The same Redis in a container, for runs against another version than the machine's own. */

import { GenericContainer, Wait } from 'testcontainers';
import { Connections, type TestRedis } from './redis-connections.js';

const REDIS_PORT = 6379;

/** Rejects where no Docker engine answers: who names an image wants that one and no other. */
export async function startRedisContainer(
  image: string,
  configLines: readonly string[],
): Promise<TestRedis> {
  // Its reaper container would have to be pulled from a registry; `stop` removes ours by its id.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  const content = [...configLines, 'bind 0.0.0.0', 'protected-mode no'].join('\n');
  const container = await new GenericContainer(image)
    .withCopyContentToContainer([{ content: `${content}\n`, target: '/tmp/halley-redis.conf' }])
    .withCommand(['redis-server', '/tmp/halley-redis.conf'])
    .withExposedPorts(REDIS_PORT)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  const port = container.getMappedPort(REDIS_PORT);
  const connections = new Connections(`redis://${container.getHost()}:${port}`);
  return {
    ...connections.api(),
    async stop() {
      connections.close();
      await container.stop();
    },
  };
}
