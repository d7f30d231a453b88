import {
  encodeHistory,
  type HistoryFrame,
  historyItem,
  positionOf,
  RefusedError,
  refusal,
} from '@halley/shared/protocol';
import type { Edge } from '../edge.js';
import { requireRight } from '../rights.js';
import type { Session } from '../session.js';

/** Reads a page of a channel's log; the channel need not be held. */
export async function history(edge: Edge, session: Session, frame: HistoryFrame): Promise<void> {
  const { channel, ref } = frame;
  await requireRight(edge, session, 'history', channel);
  const { historySize, historySeconds } = edge.services.namespaces.of(channel);
  if (historySize === 0) throw new RefusedError(refusal('history-disabled'));
  const page = await edge.services.channels.history(channel, frame, historySeconds * 1_000);
  session.sendText(
    encodeHistory({
      ref,
      channel,
      messages: page.entries.map((entry) => historyItem(entry.id, entry.body)),
      position: positionOf(page.top, page.nowMs),
      more: page.more,
    }),
  );
}
