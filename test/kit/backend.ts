/** A backend with @halley/server that writes down every request it makes and every answer. */

import { HalleyError, HalleyServer, type HalleyServerOptions } from '@halley/server';
import { DEVELOPMENT_API_KEY } from '@halley/shared/config';

export interface Try {
  /** `performance.now()` of its begin. */
  readonly at: number;
  /** As it was sent. */
  readonly body: string;
  /** Of the answer; 0 while there is none. */
  status: number;
}

export interface Backend {
  readonly halley: HalleyServer;
  readonly tries: readonly Try[];
}

export function backendOf(url: string, options: Partial<HalleyServerOptions> = {}): Backend {
  const tries: Try[] = [];
  const watched: typeof fetch = async (input, init) => {
    const entry: Try = { at: performance.now(), body: String(init?.body ?? ''), status: 0 };
    tries.push(entry);
    const response = await fetch(input, init);
    entry.status = response.status;
    return response;
  };
  const halley = new HalleyServer({ url, key: DEVELOPMENT_API_KEY, fetch: watched, ...options });
  return { halley, tries };
}

/** The error that a call must end with. */
export async function failureOf(call: Promise<unknown>): Promise<HalleyError> {
  const end = await call.catch((error: unknown) => error);
  if (end instanceof HalleyError) return end;
  throw new Error(`no HalleyError but ${JSON.stringify(end)} (${String(end)})`);
}
