/** Limits of the manager's port: name, unit, and what each one stops. */

import { CLIENT_ID_MAX_BYTES, SCRIPT_MAX_MESSAGES } from '@halley/shared/protocol';
import { PRIVATE_PAYLOAD_MAX_BYTES } from '../../routes/publishing.js';

/** Connections at once; a further one is closed. Each may hold a frame of the largest size. */
export const MANAGER_MAX_CONNECTIONS = 256;
/** Bytes of a line: the largest data, and beside it a name, an event and a key, all of them escaped. */
export const LINE_MAX_BYTES = PRIVATE_PAYLOAD_MAX_BYTES + 4_096;
/**
 * Frames of one connection that are worked on at once, whether they are taken or not: the next ones wait
 * for the store to answer, and a flood of refused ones lets others have their turn in between.
 */
export const BATCH_MAX_FRAMES = SCRIPT_MAX_MESSAGES;
/** How long a connection waits for a store that is away before it drops messages, ms. */
export const UNAVAILABLE_RETRY_MAX_MS = 10_000;
export const UNAVAILABLE_RETRY_INTERVAL_MS = 100;
/** Dropped messages and refused connections are told to the log once in this time, ms. */
export const LOG_INTERVAL_MS = 1_000;
/** Silence after which the kernel asks whether the peer is still there, ms: a lost one holds a place. */
export const KEEP_ALIVE_MS = 60_000;

/** What a parser keeps of one frame. */
export interface FrameLimits {
  readonly idMaxBytes: number;
  readonly messageMaxBytes: number;
  readonly lineMaxBytes: number;
}

export const FRAME_LIMITS: FrameLimits = {
  idMaxBytes: CLIENT_ID_MAX_BYTES,
  messageMaxBytes: PRIVATE_PAYLOAD_MAX_BYTES,
  lineMaxBytes: LINE_MAX_BYTES,
};
