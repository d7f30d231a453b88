import type { ServerFrame } from '@halley/shared/protocol';
import { refusedBy } from './ends.js';
import type { Env, LinkEnd } from './transport.js';

/** What a receiving request asks for. */
export interface Asking {
  readonly env: Env;
  readonly node: string;
  readonly token: string | null;
  /** Channels, where to begin, and who asks where no token says it. */
  readonly query: URLSearchParams;
  /** How long a poll may wait. */
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
}

export interface Polled {
  readonly cursor: string;
  readonly frames: readonly ServerFrame[];
}

type Parameters = Readonly<Record<string, string | number | null>>;

/** @param more parameters beside those of the query; null is left out */
export function urlOf({ node, query }: Asking, path: string, more: Parameters = {}): string {
  const params = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) {
    if (value != null) params.set(name, String(value));
  }
  return `${node}/v1/${path}?${params}`;
}

/** @throws what `fetch` throws */
export async function request(
  { env, token, signal }: Asking,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const { fetch } = env as { fetch: typeof globalThis.fetch };
  const headers = { ...init.headers, ...(token !== null && { Authorization: `Bearer ${token}` }) };
  return fetch(url, { cache: 'no-store', signal, ...init, headers });
}

/** What an answer other than 200 says. */
export async function refusalOf(response: Response): Promise<LinkEnd> {
  const problem = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get('Retry-After') ?? 0);
  return refusedBy(problem?.code, seconds * 1_000);
}

/** One poll by `fetch`. */
export async function poll(asking: Asking, more: Parameters): Promise<Polled | LinkEnd> {
  const response = await request(asking, urlOf(asking, 'poll', more));
  return response.ok ? response.json() : refusalOf(response);
}

export type Poll = typeof poll;
