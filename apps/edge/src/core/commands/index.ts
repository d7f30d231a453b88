import {
  type ClientFrame,
  errorFrame,
  errorOfRefused,
  type Ref,
  type RefusedFrame,
} from '@halley/shared/protocol';
import type { Edge } from '../edge.js';
import { Usage } from '../rate-limit.js';
import type { Session } from '../session.js';
import { ack } from './ack.js';
import { auth } from './auth.js';
import { history } from './history.js';
import { members } from './members.js';
import { publish } from './publish.js';
import { subscribe } from './subscribe.js';
import { unsubscribe } from './unsubscribe.js';

/** Takes one frame from a connection: at most so many as its rates allow. */
export function receive(edge: Edge, session: Session, frame: ClientFrame | RefusedFrame): void {
  session.usage ??= new Usage();
  const refused = edge.rates.charge(session.usage, frame);
  if (refused === null) {
    execute(edge, session, frame);
    return;
  }
  const channel = 'channel' in frame ? frame.channel : undefined;
  edge.refuse(session, refused, channel);
  session.send(errorFrame(refused, 'ref' in frame ? frame.ref : undefined, channel));
  if (edge.rates.isFlood(session.usage)) edge.cut(session, 'rate-limited');
}

/** Carries out one frame; what it cannot is answered by an error frame. */
export function execute(edge: Edge, session: Session, frame: ClientFrame | RefusedFrame): void {
  switch (frame.type) {
    case 'ping':
      session.send({ type: 'pong' });
      return;
    case 'refused':
      edge.refuse(session, frame, frame.channel);
      session.send(errorOfRefused(frame));
      return;
    case 'subscribe':
      inOrder(edge, session, frame, () => subscribe(edge, session, frame));
      return;
    case 'unsubscribe':
      inOrder(edge, session, frame, async () => unsubscribe(edge, session, frame));
      return;
    case 'ack':
      void answering(edge, session, {}, async () => ack(session, frame));
      return;
    case 'publish':
      void answering(edge, session, frame, () => publish(edge, session, frame));
      return;
    case 'history':
      void answering(edge, session, frame, () => history(edge, session, frame));
      return;
    case 'members':
      void answering(edge, session, frame, () => members(edge, session, frame));
      return;
    case 'auth':
      void answering(edge, session, frame, () => auth(edge, session, frame));
  }
}

interface Asked {
  readonly ref?: Ref;
  readonly channel?: string;
}

/** A subscribe and an unsubscribe of one channel must not overtake each other. */
function inOrder(
  edge: Edge,
  session: Session,
  asked: Asked & { readonly channel: string },
  command: () => Promise<void>,
): void {
  session.pending ??= new Map();
  const { pending } = session;
  const { channel } = asked;
  const before = pending.get(channel);
  const run = () => answering(edge, session, asked, command);
  const done = before === undefined ? run() : before.then(run);
  pending.set(channel, done);
  void done.then(() => {
    if (pending.get(channel) === done) pending.delete(channel);
    if (pending.size === 0) session.pending = null;
  });
}

/** Turns what a command throws into an error frame; a defect is told as one, and the connection goes on. */
async function answering(
  edge: Edge,
  session: Session,
  { ref, channel }: Asked,
  command: () => Promise<void>,
): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (session.isGone) return;
    const refused = edge.refusalOf(error);
    edge.refuse(session, refused, channel);
    session.send(errorFrame(refused, ref, channel));
  }
}
