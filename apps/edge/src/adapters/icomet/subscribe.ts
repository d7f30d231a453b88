import { icometNumber } from '@halley/shared/protocol';
import type { HttpReply, HttpRequest } from '../../core/ports/http.js';
import type { Asked } from './decode.js';
import { nextSeqText } from './encode.js';
import { PollForm } from './poll-form.js';
import { PollSubscriber } from './poll-subscriber.js';
import { PushSubscriber } from './push-subscriber.js';
import type { Guest, Reception } from './reception.js';
import type { Beginning } from './subscriber.js';
import type { PollWire, PushWire } from './wires.js';

const KEPT_ALIVE = ['Connection', 'keep-alive'] as const;

/** Answers a request without end. */
export async function servePush(
  reception: Reception,
  wire: PushWire,
  request: HttpRequest,
  reply: HttpReply,
): Promise<void> {
  const call = reception.receive(request, reply);
  if (call === null) return;
  const { headers } = call;
  const { preamble, headers: typeHeaders } = wire.framing;
  const guest = await reception.admit(call, (object) => {
    reply.answer('200 OK', [...typeHeaders, ...headers], preamble + wire.put([object]));
  });
  if (guest === null) return;
  const { room, place } = guest;
  const object = isOffCount(guest) ? nextSeqText(room, place.next) : null;
  const opening = { headers: [...headers, KEPT_ALIVE], object };
  const subscriber = new PushSubscriber(reception.site, reply, wire, beginningOf(guest), opening);
  reception.enter(subscriber, guest);
}

/** Answers a request once there is something to say. */
export async function servePoll(
  reception: Reception,
  wire: PollWire,
  request: HttpRequest,
  reply: HttpReply,
): Promise<void> {
  const call = reception.receive(request, reply);
  if (call === null) return;
  const { asked, headers } = call;
  const refusing = new PollForm(headers, asked.callback);
  const guest = await reception.admit(call, (object) => refusing.single(reply, object));
  if (guest === null) return;
  const { room, place } = guest;
  const form = new PollForm([...headers, KEPT_ALIVE], asked.callback);
  if (isOffCount(guest)) {
    reception.site.rooms.leave(room);
    form.single(reply, nextSeqText(room, place.next));
    return;
  }
  const beginning = beginningOf(guest);
  reception.enter(new PollSubscriber(reception.site, reply, wire, form, beginning), guest);
}

/** It does not count yet, or by numbers that this channel has not reached: it is told where to begin. */
function isOffCount({ asked, place }: Guest): boolean {
  return asked.seq === 0 || isAbove(asked, place.next);
}

function isAbove({ seq }: Asked, next: number): boolean {
  return icometNumber(seq - next) > 0;
}

function beginningOf({ asked, room, place }: Guest): Beginning {
  return { room, from: place.before === null ? null : asked.seq, noop: asked.noop };
}
