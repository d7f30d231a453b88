import { isEmptyPosition, type Refusal } from '@halley/shared/protocol';
import type { Identity } from '../../core/ports/authorizer.js';
import type { HttpReply, HttpRequest } from '../../core/ports/http.js';
import { decodeCallback, decodePoll, type PollAsked } from './decode.js';
import { PollConnection, type PollForm } from './poll-connection.js';
import { JsonForm, ScriptForm } from './poll-form.js';
import { Progress } from './progress.js';
import type { Reception } from './reception.js';

/** Requests without Origin and callback, which most are, share one form. */
const forms = new WeakMap<Reception, PollForm>();

/** Answers one request once something waits, or its time is over. */
export function servePoll(reception: Reception, request: HttpRequest, reply: HttpReply): void {
  const callback = decodeCallback(request.query);
  if (typeof callback === 'object' && callback !== null) {
    reception.refuse(reply, callback, reception.headersFor(request));
    return;
  }
  const form = formOf(reception, request, callback);
  const refuse = (refused: Refusal) => {
    reception.report(reply, refused);
    form.refuse(reply, refused);
  };
  const asked = decodePoll(request);
  if ('code' in asked) refuse(asked);
  else {
    reception.admit(request, reply, asked, refuse, (identity) => {
      void park(reception, reply, form, asked, identity);
    });
  }
}

function formOf(reception: Reception, request: HttpRequest, callback: string | null): PollForm {
  if (callback !== null) return new ScriptForm(reception.headersFor(request), callback);
  if (request.origin !== '') return new JsonForm(reception.headersFor(request));
  const form = forms.get(reception) ?? new JsonForm(reception.headersFor(request));
  forms.set(reception, form);
  return form;
}

async function park(
  reception: Reception,
  reply: HttpReply,
  form: PollForm,
  asked: PollAsked,
  identity: Identity,
): Promise<void> {
  const connection = new PollConnection(
    reception.site,
    reply,
    form,
    new Progress(asked.channels, asked.cursor),
    { isFirst: asked.cursor === null || asked.wantsHello, waitMs: asked.waitSeconds * 1_000 },
  );
  const session = reception.enter(connection, connection, identity);
  connection.session = session;
  await reception.start(session, asked);
  if (session.isGone) return;
  // Whoever shows a cursor has what came before it.
  const seen = asked.cursor?.queue ?? null;
  if (seen !== null && !isEmptyPosition(seen)) session.client?.ack(seen);
  connection.begin();
}
