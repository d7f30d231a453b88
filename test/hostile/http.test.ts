/** What an attacker may send as HTTP, and how the servers stay clear about it. */

import { describe, expect, test } from 'vitest';
import { getText, RawHttp } from '../kit/raw-http.js';
import { useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';
import { framingCases, HEAD_CASES, type HttpCase, LINE_CASES } from './http-cases.js';

const stack = useFleet({ env: { HALLEY_ICOMET: '1' } });

const JSON_HEADERS = 'Content-Type: application/json\r\n';
const SERVERS = {
  edge: { port: () => stack.edge().port, path: '/v1/frames', headers: JSON_HEADERS },
  api: {
    port: () => stack.fleet.api().port,
    path: '/channels/demo:x/messages',
    headers: `Authorization: Bearer dev-key\r\n${JSON_HEADERS}`,
  },
};

function statusesOf({ received }: RawHttp): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** The last answer on a connection that goes on; nothing more can come behind it. */
async function lastAnswer(raw: RawHttp, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 1) {
    statuses.push(Number((await raw.answer(3000)).statusLine.split(' ')[1]));
  }
  raw.send(getText('/healthz', ['X-Last: 1']));
  expect((await raw.answer(3000)).statusLine).toBe('HTTP/1.1 200 OK');
  return statuses;
}

async function outcome(port: number, { bytes, statuses, after }: HttpCase): Promise<number[]> {
  const raw = await RawHttp.open(port);
  raw.send(bytes);
  try {
    if (after === 'goes on') return await lastAnswer(raw, statuses.length);
    // A held one: whoever comes after it is answered, and it has nothing.
    if (after === 'closed') await within(raw.closed, 'the connection is closed', 3000);
    else await lastAnswer(await RawHttp.open(port), 0);
    return statusesOf(raw);
  } finally {
    raw.close();
  }
}

describe.each(Object.entries(SERVERS))('requests to the %s', (_, { port, path, headers }) => {
  test.each([...framingCases({ path, headers }), ...LINE_CASES, ...HEAD_CASES])(
    '$what: $statuses, $after',
    async (one) => {
      expect(await outcome(port(), one)).toEqual(one.statuses);
    },
  );
});

describe.each(Object.entries(SERVERS))(
  'refusals of the %s by name',
  (_, { port, path, headers }) => {
    const post = (more: string) => `POST ${path} HTTP/1.1\r\nHost: halley\r\n${headers}${more}\r\n`;

    test.each([
      [
        'a compressed body',
        'Content-Encoding: gzip\r\nContent-Length: 4\r\n',
        415,
        'unsupported-media-type',
      ],
      [
        'a body by deflate in chunks',
        'Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n',
        415,
        'unsupported-media-type',
      ],
      [
        'two lengths',
        'X-Forwarded-For: 192.0.2.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n',
        400,
        'bad-framing',
      ],
      ['another encoding', 'Transfer-Encoding: gzip, chunked\r\n', 400, 'bad-framing'],
    ])('%s', async (_what, more, status, code) => {
      const raw = await RawHttp.open(port());
      raw.send(post(more));
      const answer = await raw.answer();
      expect(answer.statusLine).toContain(` ${status} `);
      expect(JSON.parse(answer.body)).toMatchObject({ code, status });
      expect(await within(raw.closed, 'the connection is closed')).toBe('ended');
    });

    test('a body that is told to be too large is not waited for', async () => {
      const raw = await RawHttp.open(port());
      raw.send(post('Content-Length: 4294967306\r\n'));
      expect(JSON.parse((await raw.answer()).body)).toMatchObject({ status: 413 });
      raw.close();
    });

    test('Expect: 100-continue is answered before the body, and by its answer', async () => {
      const raw = await RawHttp.open(port());
      raw.send(post('Expect: 100-continue\r\nContent-Length: 4\r\n'));
      await eventually(() => statusesOf(raw).length === 1, 'an interim answer');
      raw.send('oops');
      await eventually(() => raw.received.includes('bad-json'), 'the answer');
      expect(statusesOf(raw)).toEqual([100, 400]);
      raw.close();
    });
  },
);
