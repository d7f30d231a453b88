import { peers } from '@halley/loadtest/peers';
import { afterEach, describe, expect, it, vi } from 'vitest';

describe('peers of the bench', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('leaves out what is not installed and says what to install', () => {
    vi.stubEnv('BENCH_NCHAN_MODULE', '/nowhere/ngx_nchan_module.so');
    const said: string[] = [];
    expect([...peers({ peers: 1 }, (line) => said.push(line)).keys()]).toEqual(['socket.io']);
    expect(said).toEqual([
      'nchan, nchan-redis: not installed: apt-get install nginx-light libnginx-mod-nchan',
    ]);
  });

  it('has none where none are asked for', () => {
    expect(peers({ peers: 0 }).size).toBe(0);
  });
});
