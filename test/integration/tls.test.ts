/** Edges and an api that speak TLS themselves. */

import { once } from 'node:events';
import { get, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Certificate, type Certificates, newCertificates } from '../kit/certificates.js';
import { ask } from '../kit/http-wires.js';
import { NativeClient } from '../kit/native-client.js';
import { freePort } from '../kit/ports.js';
import { FleetUnderTest } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

const LARGE = 'x'.repeat(60_000);

describe('TLS without a proxy', () => {
  let made: Certificates;
  let cert: Certificate;
  let system: FleetUnderTest;
  let dpsPort: number;

  beforeAll(async () => {
    made = await newCertificates();
    cert = await made.make('server');
    dpsPort = await freePort();
    system = new FleetUnderTest({
      env: { HALLEY_TLS_CERT: cert.certFile, HALLEY_TLS_KEY: cert.keyFile },
      edgeEnv: { HALLEY_DPS_PORT: String(dpsPort) },
    });
    await system.start();
  });
  afterAll(async () => {
    await system.stop();
    await made.remove();
  });

  const ports = () => [
    ['edge', system.edge().port] as const,
    ['door', dpsPort] as const,
    ['api', system.fleet.api().port] as const,
  ];

  /** @returns the status and the body of a call of the api */
  async function call(method: string, path: string, body?: object): Promise<[number, string]> {
    const headers = { Authorization: 'Bearer dev-key', 'Content-Type': 'application/json' };
    const url = `https://127.0.0.1:${system.fleet.api().port}${path}`;
    const sent = request(url, { method, headers, ca: cert.ca });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await within(once(sent, 'response'), `an answer of ${path}`);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return [response.statusCode, text];
  }

  test('a WebSocket, an event stream and a call of REST', async () => {
    const { port } = system.edge();
    const socket = new WebSocket(`wss://127.0.0.1:${port}/v1/ws`, { ca: cert.ca });
    const client = new NativeClient(socket);
    await client.welcomed();
    await client.subscribe('demo:tls');
    const stream = get(`https://127.0.0.1:${port}/v1/sse?channel=demo:tls`, { ca: cert.ca });
    const [events] = await within(once(stream, 'response'), 'the head of the stream');
    let seen = '';
    const told = new Promise<void>((resolve) => {
      events.setEncoding('utf8').on('data', (text: string) => {
        if (!seen.includes('"subscribed"') && (seen + text).includes('"subscribed"')) {
          void call('POST', '/channels/demo:tls/messages', { data: LARGE });
        }
        seen += text;
        if (seen.includes(LARGE)) resolve();
      });
    });
    await within(told, 'the message by SSE');
    stream.destroy();
    const [message] = await client.waitForMessages('demo:tls', 1);
    expect(message?.data).toBe(LARGE);
    socket.close();
    await client.closed;
  });

  test('the heartbeat says wss; health and metrics stay plain', async () => {
    const [status, text] = await call('GET', '/edges');
    expect(status).toBe(200);
    expect(text).toContain(`wss://127.0.0.1:${system.edge().port}/v1/ws`);
    expect((await ask(new URL('/readyz', system.edge().adminUrl))).status).toBe(200);
  });

  test('TLS 1.2 and 1.3 on every port, nothing below', async () => {
    for (const [name, port] of ports()) {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        expect([name, await spoken(port, version)]).toEqual([name, version]);
      }
      for (const version of ['TLSv1', 'TLSv1.1'] as const) {
        expect([name, await spoken(port, version)]).toEqual([name, 'refused']);
      }
    }
  });

  /** The version that both sides agree on, if they do. */
  async function spoken(port: number, version: SecureVersion): Promise<string> {
    // Level 0: else this side would not even offer the old ones.
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const range = { minVersion: version, maxVersion: version, ciphers };
    const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, ca: cert.ca, ...range });
    const agreed = new Promise<string>((resolve) => {
      socket.once('secureConnect', () => resolve(socket.getProtocol() ?? 'none'));
      // An alert of the server, not a lack of this side, which would be another code.
      socket.once('error', (error: NodeJS.ErrnoException) =>
        resolve(
          /alert|ECONNRESET/i.test(`${error.code} ${error.message}`) ? 'refused' : error.message,
        ),
      );
      socket.once('close', () => resolve('refused'));
    });
    const protocol = await within(agreed, `${version} on ${port}`);
    socket.destroy();
    return protocol;
  }

  test('plain HTTP to a TLS port gets nothing', async () => {
    for (const [name, port] of ports()) {
      const socket = connectTcp(port, '127.0.0.1');
      let got = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        got += text;
      });
      socket.on('error', () => undefined);
      socket.write('GET /v1/poll?channel=demo:a&wait=0 HTTP/1.1\r\nHost: a\r\n\r\n');
      await within(once(socket, 'close'), `${name} hangs up`);
      expect([name, got.includes('HTTP')]).toEqual([name, false]);
    }
  });
});
