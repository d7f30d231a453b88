import { isEmptyPosition } from '@halley/shared/protocol';
import type { Identity } from '../../core/ports/authorizer.js';
import type { HttpReply, HttpRequest } from '../../core/ports/http.js';
import { decodeCallback, decodePoll, type PollAsked } from './decode.js';
import { PollConnection, type PollOutcome } from './poll-connection.js';
import { jsonOutcome, jsonpOutcome } from './poll-outcome.js';
import { Progress } from './progress.js';
import type { Reception, Refuse } from './reception.js';

/** Answers one request once something waits, or its time is over. */
export function servePoll(reception: Reception, request: HttpRequest, reply: HttpReply): void {
  const headers = reception.headersFor(request);
  const callback = decodeCallback(request.query);
  if (typeof callback === 'object' && callback !== null) {
    reception.refuse(reply, callback, headers);
    return;
  }
  const isLeaving = () => reception.site.edge.isDraining;
  const outcome =
    callback === null
      ? jsonOutcome(reply, headers, isLeaving)
      : jsonpOutcome(reply, headers, callback, isLeaving);
  const refuse: Refuse = (refused) => {
    reception.report(reply, refused);
    outcome.refuse(refused);
  };
  const asked = decodePoll(request);
  if ('code' in asked) refuse(asked);
  else {
    reception.admit(request, reply, asked, refuse, (identity) =>
      park(reception, reply, asked, identity, outcome),
    );
  }
}

function park(
  reception: Reception,
  reply: HttpReply,
  asked: PollAsked,
  identity: Identity,
  outcome: PollOutcome,
): void {
  const progress = new Progress(asked.channels, asked.cursor);
  const options = {
    channelCount: asked.channels.length,
    isFirst: asked.cursor === null,
    waitMs: asked.waitSeconds * 1_000,
  };
  const connection = new PollConnection(reception.site, reply, progress, options, outcome);
  const session = reception.enter(connection, connection, identity);
  connection.session = session;
  void reception.start(session, asked).then(() => {
    if (session.isGone) return;
    // Whoever shows a cursor has what came before it.
    const seen = asked.cursor?.queue ?? null;
    if (seen !== null && !isEmptyPosition(seen)) session.client?.ack(seen);
    connection.begin();
  });
}
