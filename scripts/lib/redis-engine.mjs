/** Where the tests' own Redis servers run: in containers where an engine can, else as processes. */

import { randomBytes } from 'node:crypto';
import { findEngine, startEngine } from './docker-engine.mjs';
import { ensureDockerEngine } from './install.mjs';
import { buildRedisImage, tryImage } from './redis-image.mjs';
import { Stop } from './say.mjs';

const OWN_IMAGE = 'halley-test-redis';
/** What every container of a run carries; test/kit/redis-container.ts sets it too. */
const RUN_LABEL = 'halley.run';

/**
 * @returns a line that says where they run, the environment of the tests, and what ends it all
 * @throws Stop where HALLEY_TEST_REDIS_IMAGE names an image that cannot be run
 */
export async function provideRedis() {
  const named = process.env.HALLEY_TEST_REDIS_IMAGE;
  try {
    return await provideContainers(named || null);
  } catch (error) {
    const reason = error.message.split('\n')[0];
    if (named) throw new Stop(`HALLEY_TEST_REDIS_IMAGE=${named} cannot be run: ${reason}`);
    return {
      line: `redis: processes (no engine: ${reason})`,
      env: {},
      stop: async () => undefined,
    };
  }
}

async function provideContainers(named) {
  const engine = (await findEngine()) ?? (await installedEngine());
  const run = randomBytes(4).toString('hex');
  const image = named ?? `${OWN_IMAGE}:${run}`;
  const stop = async () => {
    await removeOurs(engine.api, named === null ? image : null, run).catch(() => undefined);
    await engine.stop();
  };
  try {
    if (named === null) await buildRedisImage(engine.api, image);
    await tryImage(engine.api, image, { [RUN_LABEL]: run });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    line: `redis: containers (${image}, engine ${engine.version})`,
    env: {
      DOCKER_HOST: `unix://${engine.socket}`,
      ...(named === null && { HALLEY_TEST_BUILT_REDIS_IMAGE: image }),
      HALLEY_TEST_RUN: run,
    },
    stop,
  };
}

/** Nothing is installed where it could not be started. */
function installedEngine() {
  if (process.getuid() !== 0) throw new Error('none answers, and only root can start dockerd');
  ensureDockerEngine();
  return startEngine();
}

/** Of an engine that was there before, nothing of the run may stay; it may be gone already. */
async function removeOurs(api, image, run) {
  const containers = await api.containers(`${RUN_LABEL}=${run}`);
  await Promise.allSettled(containers.map((id) => api.removeContainer(id)));
  if (image !== null) await api.call('DELETE', `/images/${image}?force=1`);
}
