export interface LifecycleEvents {
  /** The page or the machine may have slept, or the network may have changed. */
  onWake(): void;
  /** The page goes into the back-forward cache, is frozen, or goes for good. */
  onSuspend(): void;
  /** It is back. */
  onResume(): void;
}

const TICK_MS = 1_000;
/** A tick that comes so late was not only slow: the machine slept. */
const JUMP_MS = 4_000;

/**
 * Watches the life of the page, and the clock, which alone tells a worker or Node that the machine slept.
 * @returns ends it
 */
export function watchLife({ onWake, onSuspend, onResume }: LifecycleEvents): () => void {
  const { document, addEventListener } = globalThis as Partial<typeof globalThis>;
  const end = new AbortController();
  const { signal } = end;
  const listen = (target: EventTarget, event: string, listener: () => void) =>
    target.addEventListener(event, listener, { signal });
  let tickedMs = Date.now();
  const timer = setInterval(() => {
    const elapsedMs = Date.now() - tickedMs;
    tickedMs = Date.now();
    if (elapsedMs > JUMP_MS || elapsedMs < 0) onWake();
  }, TICK_MS) as unknown as { unref?(): void } & number;
  // Node: looking at the clock is no reason to stay.
  timer.unref?.();
  if (addEventListener !== undefined) {
    listen(globalThis, 'online', onWake);
    listen(globalThis, 'pagehide', onSuspend);
    listen(globalThis, 'pageshow', onResume);
  }
  if (document !== undefined) {
    listen(document, 'freeze', onSuspend);
    listen(document, 'resume', onResume);
    listen(document, 'visibilitychange', () => {
      if (document.visibilityState === 'visible') onWake();
    });
  }
  return () => {
    clearInterval(timer);
    end.abort();
  };
}
