/** Memory of the fleet's processes over time, and how fast it grows. */

import { readFileSync } from 'node:fs';
import type { Service } from '../kit/fleet.js';

const MS_PER_MINUTE = 60_000;

interface Sample {
  readonly atMs: number;
  readonly rssKib: number;
}

export interface Growth {
  readonly process: string;
  readonly firstKib: number;
  readonly lastKib: number;
  /** Least squares. */
  readonly slopeKibPerMinute: number;
}

export class MemoryLog {
  readonly #samples = new Map<string, Sample[]>();

  take(services: readonly Service[]): void {
    for (const { name, pid, isRunning } of services) {
      if (!isRunning) continue;
      const samples = this.#samples.get(name) ?? [];
      samples.push({ atMs: performance.now(), rssKib: rssOf(pid) });
      this.#samples.set(name, samples);
    }
  }

  /** @param warmUp share of the time that does not count: what grows once is no leak */
  growth(warmUp: number): Growth[] {
    return [...this.#samples].map(([process, all]) => {
      const samples = all.slice(Math.floor(all.length * warmUp));
      return {
        process,
        firstKib: samples.at(0)?.rssKib ?? 0,
        lastKib: samples.at(-1)?.rssKib ?? 0,
        slopeKibPerMinute: Math.round(slopeOf(samples) * MS_PER_MINUTE),
      };
    });
  }
}

/** @returns KiB per ms */
export function slopeOf(samples: readonly Sample[]): number {
  const count = samples.length;
  const meanMs = samples.reduce((sum, { atMs }) => sum + atMs, 0) / count;
  const meanKib = samples.reduce((sum, { rssKib }) => sum + rssKib, 0) / count;
  let covariance = 0;
  let variance = 0;
  for (const { atMs, rssKib } of samples) {
    covariance += (atMs - meanMs) * (rssKib - meanKib);
    variance += (atMs - meanMs) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}

function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
