/** The settings that bound what one peer, one process and one API key may ask for. */

import { FRAMES_PER_ARRAY_MAX } from '../protocol/index.js';
import { wholeNumber } from './setting.js';

const MIB = 1_048_576;
/** A resume of all channels of a connection has to pass, after the unsubscribes of as many others. */
const RESUME_FRAMES = 2 * FRAMES_PER_ARRAY_MAX;

/** A token bucket: it lets `burst` pass at once, and then so many a second. */
function perSecond(what: string, fallback: number) {
  return wholeNumber({
    about: `${what} that one connection may send; beyond its burst more are refused (rate-limited).`,
    unit: 'frames per second, 0 is no limit',
    fallback,
    min: 0,
    max: 1_000_000,
  });
}

function burst(what: string, fallback: number, min = 1) {
  return wholeNumber({
    about: `${what} that one connection may send at once.`,
    unit: 'frames',
    fallback,
    min,
    max: 1_000_000,
  });
}

export const LIMIT_SETTINGS = {
  HALLEY_EDGE_MAX_CONNECTIONS: wholeNumber({
    about: 'Connections and waiting requests that one edge takes; more are refused (edge-full).',
    unit: 'connections',
    fallback: 1_000_000,
    min: 1,
    max: 10_000_000,
  }),
  HALLEY_CLIENT_MAX_CONNECTIONS: wholeNumber({
    about: 'Connections of one client to one edge; more are refused (too-many-connections).',
    unit: 'connections',
    fallback: 128,
    min: 1,
    max: 1_000_000,
  }),
  HALLEY_ADDRESS_MAX_CONNECTIONS: wholeNumber({
    about:
      'Connections of one address (of IPv6: one /64) to one edge. Behind a proxy set HALLEY_TRUSTED_PROXIES.',
    unit: 'connections, 0 is no limit',
    fallback: 10_000,
    min: 0,
    max: 10_000_000,
  }),
  HALLEY_EDGE_MAX_CHANNELS: wholeNumber({
    about: 'Distinct channels that one edge holds; a subscribe to more is refused (edge-full).',
    unit: 'channels',
    fallback: 1_000_000,
    min: 1,
    max: 10_000_000,
  }),
  HALLEY_RATE_PUBLISH: perSecond('Frames publish', 100),
  HALLEY_RATE_PUBLISH_BURST: burst('Frames publish', 500),
  HALLEY_RATE_SUBSCRIBE: perSecond('Frames subscribe and unsubscribe', 128),
  HALLEY_RATE_SUBSCRIBE_BURST: burst('Frames subscribe and unsubscribe', 512, RESUME_FRAMES),
  HALLEY_RATE_READ: perSecond('Frames history and members', 50),
  HALLEY_RATE_READ_BURST: burst('Frames history and members', 200),
  HALLEY_RATE_OTHER: perSecond('All other frames, and what is no frame,', 500),
  HALLEY_RATE_OTHER_BURST: burst('All other frames, and what is no frame,', 2_000),
  HALLEY_RATE_CUT_REFUSALS: wholeNumber({
    about: 'Frames refused as rate-limited, at once or per second, that end a connection (4103).',
    unit: 'frames',
    fallback: 500,
    min: 1,
    max: 1_000_000,
  }),
  HALLEY_API_KEY_MESSAGES_PER_SECOND: wholeNumber({
    about: 'Messages, and calls without one, that the keys of one name may post to all apis.',
    unit: 'messages per second, 0 is no limit',
    fallback: 0,
    min: 0,
    max: 10_000_000,
  }),
  HALLEY_PUBLISH_MAX_PENDING: wholeNumber({
    about: 'Messages of one process that wait for Redis; more are refused (overloaded).',
    unit: 'messages',
    fallback: 100_000,
    min: 1,
    max: 10_000_000,
  }),
  HALLEY_PUBLISH_MAX_PENDING_BYTES: wholeNumber({
    about: 'Bytes of the messages of one process that wait for Redis.',
    unit: 'bytes',
    fallback: 128 * MIB,
    min: 65_536,
    max: 16_384 * MIB,
  }),
  HALLEY_BODIES_MAX_BYTES: wholeNumber({
    about: 'Bytes of request bodies that one api holds at once; more are refused (overloaded).',
    unit: 'bytes',
    fallback: 256 * MIB,
    min: 65_536,
    max: 16_384 * MIB,
  }),
  HALLEY_OVERLOAD_LAG_MS: wholeNumber({
    about: 'Delay of the event loop (p99 of 2 s, twice in a row) from which an edge is overloaded.',
    unit: 'milliseconds',
    fallback: 1_000,
    min: 1,
    max: 60_000,
  }),
  HALLEY_OVERLOAD_BACKPRESSURE_BYTES: wholeNumber({
    about: 'Bytes waiting for all readers of an edge from which it is overloaded.',
    unit: 'bytes',
    fallback: 256 * MIB,
    min: 1_024,
    max: 65_536 * MIB,
  }),
};
