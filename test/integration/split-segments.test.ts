/**
 * A request may come in two TCP segments, cut at any byte behind its first line (docs/uws.md says why not
 * within it), and so may a WebSocket's frames. Doors with ports of their own have tests of their own.
 */

import { describe, expect, test } from 'vitest';
import { RawHttp } from '../kit/raw-http.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const AT_ONCE = 50;
const TEST_DEADLINE_MS = 120_000;

interface Case {
  readonly name: string;
  readonly serves: 'edge' | 'api';
  request(channel: string): string;
  /** Of the answer. */
  readonly status: number;
  readonly holds: string;
}

function post(target: string, type: string, body: string): string {
  const head = [
    `POST ${target} HTTP/1.1`,
    'Host: halley',
    'Authorization: Bearer dev-key',
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: halley\r\nX-Some: header\r\n\r\n`;
}

const CASES: readonly Case[] = [
  {
    name: '/v1/poll',
    serves: 'edge',
    request: (channel) => get(`/v1/poll?channel=${channel}`),
    status: 200,
    holds: '"type":"subscribed"',
  },
  {
    name: 'POST /v1/frames',
    serves: 'edge',
    request: (channel) =>
      post(
        '/v1/frames',
        'application/json',
        `{"type":"publish","ref":1,"channel":"${channel}","data":"\u00e9\u2744"}`,
      ).replace('Authorization: Bearer dev-key\r\n', ''),
    status: 200,
    holds: '"type":"published"',
  },
  {
    name: "iComet's poll",
    serves: 'edge',
    request: (channel) => get(`/icomet/poll?cname=${channel}`),
    status: 200,
    holds: '"type":"next_seq"',
  },
  {
    name: "DPS's push",
    serves: 'edge',
    request: (channel) =>
      post(`/dps/push?channel=${channel}`, 'application/json', ' {"a": "\u2744"} ').replace(
        'Authorization: Bearer dev-key\r\n',
        '',
      ),
    status: 200,
    holds: 'true',
  },
  {
    name: "iComet's push",
    serves: 'api',
    request: (channel) =>
      post('/push', 'application/x-www-form-urlencoded', `cname=${channel}&content=%E2%9D%84`),
    status: 200,
    holds: '{"type":"ok"}',
  },
  {
    name: 'a message by REST',
    serves: 'api',
    request: (channel) =>
      post(`/channels/${channel}/messages`, 'application/json', '{"data": {"a": "\u2744"}}'),
    status: 201,
    holds: '"id":',
  },
];

describe('in two segments', () => {
  const stack = useFleet({ config: { namespaces: { open: OPEN } } });

  test.each(CASES)(
    '$name is answered wherever it is cut',
    async ({ serves, request, status, holds }) => {
      const { port } = serves === 'edge' ? stack.edge() : stack.fleet.api();
      const bytes = Buffer.from(request(channelIn('open')));
      const cuts = cutsOf(bytes);
      for (let from = 0; from < cuts.length; from += AT_ONCE) {
        await Promise.all(
          cuts.slice(from, from + AT_ONCE).map(async (at) => {
            const raw = await RawHttp.open(port);
            await raw.sendSplit(bytes, at);
            const { statusLine, body } = await raw.answer();
            expect(`${at}: ${statusLine.split(' ')[1]} ${body.includes(holds)}`).toBe(
              `${at}: ${status} true`,
            );
            raw.close();
          }),
        );
      }
    },
    TEST_DEADLINE_MS,
  );

  test(
    'a WebSocket frame is taken wherever it is cut',
    async () => {
      const frame = maskedText('{"type":"ping"}');
      for (let at = 1; at < frame.length; at += 1) {
        const raw = await RawHttp.open(stack.edge().port);
        raw.send(
          `GET /v1/ws HTTP/1.1\r\nHost: halley\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        );
        await eventually(() => raw.received.includes('"welcome"'), 'the welcome');
        await raw.sendSplit(frame, at);
        await eventually(
          () => raw.received.includes('{"type":"pong"}'),
          `the answer, cut at ${at}`,
        );
        raw.close();
      }
    },
    TEST_DEADLINE_MS,
  );
});

/** Every place behind the first line. */
function cutsOf(bytes: Buffer): number[] {
  const first = bytes.indexOf('\r\n') + 2;
  return Array.from({ length: bytes.length - first }, (_, index) => first + index);
}

/** A text frame as a client sends it; the mask is all zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
