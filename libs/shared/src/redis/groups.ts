/** Puts items together that one call can carry. */

export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** @param max items of one chunk */
export function chunks<T>(items: readonly T[], max: number): T[][] {
  const result = [];
  for (let at = 0; at < items.length; at += max) result.push(items.slice(at, at + max));
  return result;
}
