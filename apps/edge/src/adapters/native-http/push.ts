import { type Refusal, refusal } from '@halley/shared/protocol';
import type { HttpReply, HttpRequest } from '../../core/ports/http.js';
import { decodeAsked } from './decode.js';
import type { PushWire } from './encode.js';
import { Progress } from './progress.js';
import { PushConnection } from './push-connection.js';
import type { Reception, Refuse } from './reception.js';
import { TrackedConnection } from './tracked-connection.js';

/** The forms of one pushing wire. */
export interface PushWires {
  /** For one channel and no queue: the same bytes for all. */
  readonly single: PushWire;
  /** For all else: what it sends depends on what the connection has seen. */
  readonly tracked: PushWire;
  /** Those whose heartbeat is a frame, where the usual one is hidden from a page. */
  readonly heard?: PushWires;
}

/** Proxies of the nginx family hold back what they may buffer. */
const UNBUFFERED = ['X-Accel-Buffering', 'no'] as const;

/** Answers one request without end. */
export function servePush(
  reception: Reception,
  wires: PushWires,
  request: HttpRequest,
  reply: HttpReply,
): void {
  const { site } = reception;
  const headers = reception.headersFor(request);
  const refuse: Refuse = (refused) => reception.refuse(reply, refused, headers);
  const asked = decodeAsked(request);
  const chosen = chooseWires(wires, request.query);
  if ('code' in asked || 'code' in chosen) {
    refuse('code' in asked ? asked : (chosen as Refusal));
    return;
  }
  reception.admit(request, reply, asked, refuse, (identity) => {
    const isSingle = asked.channels.length === 1 && identity.clientId === null;
    const wire = isSingle ? chosen.single : chosen.tracked;
    reply.begin('200 OK', [['Content-Type', wire.contentType], ...headers, UNBUFFERED]);
    reply.write(wire.preamble());
    if (isSingle) {
      const connection = new PushConnection(site, reply, wire);
      connection.session = reception.enter(connection, wire, identity);
      void reception.start(connection.session, asked);
    } else {
      const progress = new Progress(asked.channels, asked.cursor);
      const connection = new TrackedConnection(site, reply, wire, progress);
      connection.session = reception.enter(connection, connection, identity);
      void reception.start(connection.session, asked);
    }
  });
}

function chooseWires(wires: PushWires, query: string): PushWires | Refusal {
  const heartbeat = new URLSearchParams(query).get('heartbeat');
  if (heartbeat === null || wires.heard === undefined) return wires;
  if (heartbeat === 'frame') return wires.heard;
  return refusal('bad-query', 'heartbeat= can only be "frame"', 'heartbeat');
}
