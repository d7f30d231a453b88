import { type ControlMessage, channelOfLive, PROBE_MARK, parseControl } from '@halley/shared/redis';
import type { LiveMessage } from '../core/stream.js';

/** What comes over pub/sub, taken apart. */
export interface Inbox {
  channelMessage(channel: string, message: LiveMessage): void;
  /** A `join` or `leave`: a finished frame that is not stored. */
  channelEvent(channel: string, frame: Uint8Array): void;
  channelCleared(channel: string): void;
  privateMessage(clientId: string, message: LiveMessage): void;
  control(message: ControlMessage): void;
  probe(nonce: string): void;
}

const LINE_FEED = 10;
const DASH = 45;
const LIVE_MARK = ':ch:';
const PRIVATE_MARK = 'private ';

/**
 * A payload is a header line and a finished frame: `<prev> <id>` for a message, `- join`, `- leave` or
 * `- clear` beside it, `private <prev> <id> <client>` on an edge's own channel.
 */
export function route(inbox: Inbox, channel: string, payload: Buffer): void {
  // Live messages are by far the most: their mark stands behind the hash tag.
  if (channel.startsWith(LIVE_MARK, channel.indexOf('}') + 1)) {
    routeLive(inbox, channelOfLive(channel), payload);
    return;
  }
  const control = parseControl(payload);
  if (control !== null) inbox.control(control);
  else routeToEdge(inbox, payload);
}

function routeLive(inbox: Inbox, channel: string, payload: Buffer): void {
  const end = payload.indexOf(LINE_FEED);
  const frame = payload.subarray(end + 1);
  if (payload[0] !== DASH) {
    const header = payload.toString('latin1', 0, end);
    const space = header.indexOf(' ');
    inbox.channelMessage(channel, {
      prev: header.slice(0, space),
      id: header.slice(space + 1),
      frame,
    });
  } else if (frame.length === 0) {
    inbox.channelCleared(channel);
  } else {
    inbox.channelEvent(channel, frame);
  }
}

function routeToEdge(inbox: Inbox, payload: Buffer): void {
  const end = payload.indexOf(LINE_FEED);
  const header = payload.toString('utf8', 0, end === -1 ? payload.length : end);
  if (header.startsWith(PROBE_MARK)) {
    inbox.probe(header.slice(PROBE_MARK.length));
    return;
  }
  if (!header.startsWith(PRIVATE_MARK)) return;
  const [prev = '', id = '', ...name] = header.slice(PRIVATE_MARK.length).split(' ');
  // A client's name may hold spaces; it stands last.
  inbox.privateMessage(name.join(' '), { prev, id, frame: payload.subarray(end + 1) });
}
