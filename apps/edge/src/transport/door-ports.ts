import { type ListeningPort, listen } from './listener.js';
import { createApp, type TlsFiles } from './pages.js';
import type { TemplatedApp } from './uws.js';

/** A port on which one door alone is served. */
export interface DoorPort {
  /** The setting that the port comes from. */
  readonly setting: string;
  /** 0: off. */
  readonly port: number;
  serve(app: TemplatedApp): void;
}

/** @throws Error that names the setting of a port that cannot be listened on */
export async function listenForDoors(
  host: string,
  doors: readonly DoorPort[],
  tls?: TlsFiles,
): Promise<ListeningPort[]> {
  const listening: ListeningPort[] = [];
  for (const { setting, port, serve } of doors) {
    if (port === 0) continue;
    const app = createApp(tls);
    serve(app);
    listening.push(await listen(app, host, port, setting));
  }
  return listening;
}
