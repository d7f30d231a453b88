/** Where a server is launched: in a container of an image, or as a process. */

import { type Launch, launchProcess } from './redis-server.js';

/** An image that somebody wants all tests to use, for another Redis than the machine's own. */
export const NAMED_IMAGE = process.env['HALLEY_TEST_REDIS_IMAGE'];
/** What `npm test` has built of the machine's own Redis. */
const BUILT_IMAGE = process.env['HALLEY_TEST_BUILT_REDIS_IMAGE'];

/** Of tests whose subject is what becomes of Redis. */
export const launchFaulty: Launch = launchIn(NAMED_IMAGE || BUILT_IMAGE);
/** Of all others: a container costs a second, and shows nothing that a process does not. */
export const launchPlain: Launch = launchIn(NAMED_IMAGE);

function launchIn(image: string | undefined): Launch {
  if (!image) return launchProcess;
  return async (command) => {
    const { launchContainer } = await import('./redis-container.js');
    return launchContainer(image, command);
  };
}
