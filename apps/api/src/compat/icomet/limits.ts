/** Limits of iComet's admin paths: name, unit, and what each one stops. */

/** Seconds that `/sign` may keep a token alive: nobody may fill the store for good. */
export const EXPIRES_MAX_SECONDS = 31_536_000;
/** Messages that `/sign` reaches back, whatever the history holds: iComet's own number. */
export const SIGN_REACH_MESSAGES = 10;
/** Channels that are read from the store at once: memory here, and time of the store. */
export const PAGE_MAX_CHANNELS = 500;
/** Messages of one broadcast that are on their way to the store at once. */
export const BROADCAST_CONCURRENCY = 64;
/** Readers of `/psub` at once: each one gets everything. */
export const PSUB_MAX_READERS = 16;
/** Bytes that may wait for one of them before it is cut. */
export const PSUB_WAITING_MAX_BYTES = 1_048_576;
/** How long a reader waits for the feed to be opened before it is refused, ms. */
export const PSUB_OPEN_DEADLINE_MS = 2_000;
/** How long the slowest reader may hold up the list of the living channels between two pages, ms. */
export const PSUB_PACE_MAX_MS = 1_000;
