/** A reader that stops, on every wire that pushes: cut, counted, and back without a loss where it can resume. */

import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { httpUrl, openPush, type PushClient } from '../kit/http-wires.js';
import { connect } from '../kit/native-client.js';
import { getText, RawHttp } from '../kit/raw-http.js';
import { counterOf, idsOf, OPEN, publishAll } from '../kit/streams.js';
import { useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const CHANNEL = 'ic:heavy';
const LARGE = 'x'.repeat(32_768);
const WAVE = 20;
/** 20 MB: what both kernels keep for a reader that has stopped is a few MB. */
const WAVES_MAX = 60;
const DEADLINE_MS = 60_000;
/** iComet: stream, sse, iframe; DPS: WebSocket; native: WebSocket, SSE, stream. */
const READERS = 7;

const stack = useFleet({
  config: { namespaces: { ic: { ...OPEN, icomet: true, historySize: 2_000 } } },
  edgeEnv: { HALLEY_SLOW_READER_BYTES: '65536' },
});

test(
  'H-16 I-22 D-40 N-39 readers that stop are cut on each wire; what can resume has missed nothing',
  async () => {
    const { wsUrl, port } = stack.edge();
    const push = (path: string, query: Record<string, string> = {}) =>
      openPush(httpUrl(wsUrl, path, { channel: CHANNEL, ...query }));
    const sse = await push('/v1/sse');
    const stream = await push('/v1/stream', { client: 'tracked' });
    const icomet = await Promise.all(
      ['stream', 'sse', 'iframe'].map(async (path) => {
        const raw = await RawHttp.open(port);
        raw.send(getText(`/icomet/${path}?cname=${CHANNEL}&seq=1`));
        return raw;
      }),
    );
    const native = await connect(wsUrl);
    await native.subscribe(CHANNEL);
    const dps = new WebSocket(`ws://127.0.0.1:${port}/dps/poll?channels=${CHANNEL}&seq=0`);
    const dpsClosed = once(dps, 'close');
    await within(once(dps, 'open'), 'the WebSocket of DPS');
    await eventually(
      async () => (await counterOf(stack.edge(), 'halley_connections')) === READERS,
      'all are there',
    );
    const ids = await publishAll(stack.rest, { channel: CHANNEL }, ['first']);
    for (const one of [sse, stream]) await one.next('message');

    const paused = [sse.response, stream.response, native.socket, dps];
    for (const one of [...paused, ...icomet.map(({ socket }) => socket)]) one.pause();
    const cuts = () => counterOf(stack.edge(), 'halley_slow_reader_cuts_total');
    for (let wave = 0; wave < WAVES_MAX && (await cuts()) < READERS; wave += 1) {
      ids.push(...(await publishAll(stack.rest, { channel: CHANNEL }, Array(WAVE).fill(LARGE))));
    }
    await eventually(async () => (await cuts()) === READERS, 'each of them is cut', DEADLINE_MS);
    const noneIsLeft = async () => (await counterOf(stack.edge(), 'halley_connections')) === 0;
    // What does not take its close frame is cut a little later.
    await eventually(noneIsLeft, 'all of them are gone', DEADLINE_MS);

    for (const one of [...paused, ...icomet.map(({ socket }) => socket)]) one.resume();
    await within(
      Promise.all([
        sse.closed,
        stream.closed,
        native.closed,
        dpsClosed,
        ...icomet.map((i) => i.closed),
      ]),
      'all see their end',
      DEADLINE_MS,
    );
    await expectWhole(sse, ids, (after) => push('/v1/sse', { after }));
    await expectWhole(stream, ids, (after) => push('/v1/stream', { after }));
  },
  DEADLINE_MS,
);

/** What it got is the beginning, without a hole, and a new connection gets the rest. */
async function expectWhole(
  cut: PushClient,
  ids: readonly string[],
  again: (after: string) => Promise<PushClient>,
): Promise<void> {
  const seen = idsOf(cut.messages(CHANNEL));
  expect(seen).toEqual(ids.slice(0, seen.length));
  expect(seen.length).toBeLessThan(ids.length);
  const back = await again(seen.at(-1) ?? '');
  const isWhole = () => back.messages(CHANNEL).length >= ids.length - seen.length;
  await back.until(isWhole, 'the rest', DEADLINE_MS);
  expect(back.of('subscribed')).toMatchObject([{ recovered: true }]);
  expect(idsOf(back.messages(CHANNEL))).toEqual(ids.slice(seen.length));
  back.close();
}
