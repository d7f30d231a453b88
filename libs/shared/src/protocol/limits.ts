/** Limits of the protocol: name, unit, and the abuse that each one stops. */

/** Bytes of a channel name (all ASCII). Keys and frames repeat the name in every message. */
export const CHANNEL_NAME_MAX_BYTES = 200;
/** Bytes of UTF-8 of a client name. */
export const CLIENT_ID_MAX_BYTES = 200;
/** Characters of a `ref`; it is echoed, so it must not become an amplifier. */
export const REF_MAX_CHARS = 64;
/** Characters of an event name. */
export const EVENT_MAX_CHARS = 100;
/** Characters of an idempotency key: it becomes part of a Redis key. */
export const IDEMPOTENCY_KEY_MAX_CHARS = 200;
/** Frames in one array: a resume of all channels of a connection fits in one. */
export const FRAMES_PER_ARRAY_MAX = 128;
/** Channels that one connection may hold. */
export const CHANNELS_PER_CONNECTION_MAX = 128;
/** Bytes of one text frame from a client: 128 subscribes with positions and tokens fit. */
export const FRAME_MAX_BYTES = 131_072;
/** Messages of one `history` answer. */
export const HISTORY_LIMIT_MAX = 1_000;
export const HISTORY_LIMIT_DEFAULT = 100;
/** Members of one `members` answer. */
export const MEMBERS_LIMIT_MAX = 1_000;
export const MEMBERS_LIMIT_DEFAULT = 1_000;
/** Messages that `last` may ask back at a subscribe. */
export const REWIND_MAX = 1_000;
/** Bytes of a token before any work is done on it. */
export const TOKEN_MAX_BYTES = 8_192;
/** Messages of one batch call. */
export const BATCH_MAX_MESSAGES = 1_000;
/**
 * Messages that one script call carries. Longer scripts hold up everybody else on that Redis, and leave
 * it idle while they are put together; shorter ones cost more each.
 */
export const SCRIPT_MAX_MESSAGES = 16;
/** Seconds that a poll may wait. Proxies of old give up after 60. */
export const POLL_WAIT_MAX_SECONDS = 60;
export const POLL_WAIT_DEFAULT_SECONDS = 25;
/** Channels that one URL may name: their cursor has to fit into a header. */
export const CHANNELS_PER_URL_MAX = 64;
/** Characters of a cursor before any work is done on it. */
export const CURSOR_MAX_CHARS = 8_192;
/** Characters of the name of a JSONP callback. */
export const CALLBACK_MAX_CHARS = 128;
