/** One message to all, and private ones to some. */

import { count, type Phase, quantile, seconds } from './phase.js';
import { CHANNEL, type Run } from './run.js';
import { BATCH_MESSAGES } from './sender.js';

const DEADLINE_MS = 300_000;

/** From the POST to the first and to the last client. */
export async function broadcast(run: Run): Promise<Phase> {
  const rounds = [];
  for (let round = 1; round <= run.settings.broadcasts; round += 1) {
    const before = await run.look();
    for (const crowd of run.crowds) crowd.watch();
    const postedUs = await run.sender.toAll([CHANNEL]);
    const after = await run.settled(DEADLINE_MS);
    rounds.push({
      firstSeconds: (after.firstMessageUs - postedUs) / 1e6,
      lastSeconds: (after.lastMessageUs - postedUs) / 1e6,
      delivered: after.messages - before.messages,
      clients: after.ready,
    });
    run.say(`broadcast ${round}: ${count(rounds.at(-1)?.delivered ?? 0)} delivered`);
  }
  const rows = rounds.map(({ firstSeconds, lastSeconds, delivered, clients }, index) => ({
    what: `message ${index + 1} to all: first client, last client`,
    value: `${seconds(firstSeconds)}, ${seconds(lastSeconds)}; ${count(delivered)} of ${count(clients)} delivered, ${count(delivered / lastSeconds)}/s`,
  }));
  return { name: 'broadcast', rows, detail: rounds };
}

/** Each to another client, chosen at random. */
export async function privateMessages(run: Run): Promise<Phase> {
  const before = await run.look();
  run.privateUs = [];
  const chosen = run.someClients(run.settings.privates);
  const took = await run.sender.toClients(chosen);
  const after = await run.settled(DEADLINE_MS);
  const times = run.privateUs;
  const rows = [
    { what: 'sent to as many clients', value: count(chosen.length) },
    { what: 'received by them alone, once', value: count(after.privates - before.privates) },
    { what: `batches of ${BATCH_MESSAGES}, one after the other`, value: seconds(took) },
    { what: 'POST to receipt, p50', value: `${(quantile(times, 0.5) / 1e3).toFixed(2)} ms` },
    { what: 'POST to receipt, p99', value: `${(quantile(times, 0.99) / 1e3).toFixed(2)} ms` },
  ];
  const detail = { sent: chosen.length, seconds: took, receipts: times.length };
  return { name: 'private messages', rows, detail };
}
