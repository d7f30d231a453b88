/** Web Locks as this library needs them. */

export interface HeldLock {
  release(): void;
}

/**
 * Waits for a lock.
 * @param onHeld it is held until its `release` is called, or the page ends
 * @param onLost somebody has taken it away
 * @returns gives up waiting
 */
export function acquire(
  name: string,
  onHeld: (lock: HeldLock) => void,
  onLost: () => void = () => undefined,
  steal = false,
): () => void {
  const abort = new AbortController();
  let isHeld = false;
  const options: LockOptions = steal ? { steal: true } : { signal: abort.signal };
  navigator.locks
    .request(name, options, () => {
      isHeld = true;
      return new Promise<void>((release) => onHeld({ release }));
    })
    .catch(() => {
      // Not before it was held: that was our own giving up.
      if (isHeld) onLost();
    });
  return () => abort.abort();
}

/** Web Locks exist on HTTPS and localhost only; programs without a page have no tabs to share with. */
export function canShare(): boolean {
  return !!(globalThis.location && globalThis.navigator?.locks);
}
