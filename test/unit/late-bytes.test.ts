/** A slow link that mixed up bytes would be a fault that no network has. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { LateBytes } from '../kit/late-bytes.js';
import { eventually } from '../kit/wait.js';

test('what has to wait for less does not overtake what was sent before', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const joined = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = await joined;
  let got = '';
  far.setEncoding('utf8').on('data', (text: string) => {
    got += text;
  });
  try {
    let delayMs = 50;
    const late = new LateBytes(near, () => delayMs);
    late.send(Buffer.from('first '));
    delayMs = 0;
    late.send(Buffer.from('second'));
    await eventually(() => got.length === 12, 'both arrive');
    expect(got).toBe('first second');
  } finally {
    near.destroy();
    far.destroy();
    server.close();
    await once(server, 'close');
  }
});
