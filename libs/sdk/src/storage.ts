/** The page's storages, where there are any and the page may use them. */

export type StorageName = 'localStorage' | 'sessionStorage';

export function readStored(where: StorageName, key: string): unknown {
  try {
    return JSON.parse(globalThis[where].getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

/** What cannot be kept is not: the page goes on without. */
export function store(where: StorageName, key: string, value: unknown): void {
  try {
    globalThis[where].setItem(key, JSON.stringify(value));
  } catch {
    // A full storage, a private window, no storage at all.
  }
}
