/**
 * A list that mostly holds one item, which is then the item itself: of very many lists the arrays would
 * cost more than what they hold. Never changed in place, so it can be walked while it is replaced.
 */

/** `T` is no array. */
export type Few<T extends object> = T | readonly T[] | null;

export function fewOf<T extends object>(items: readonly T[]): Few<T> {
  return items.length > 1 ? items : (items[0] ?? null);
}

/** @returns the same list if it holds the item already */
export function withItem<T extends object>(few: Few<T>, item: T): Few<T> {
  const items = itemsOf(few);
  if (items.includes(item)) return few;
  return items.length === 0 ? item : [...items, item];
}

export function withoutItem<T extends object>(few: Few<T>, item: T): Few<T> {
  return fewOf(itemsOf(few).filter((one) => one !== item));
}

/** In the order in which they were put in. */
export function itemsOf<T extends object>(few: Few<T>): readonly T[] {
  if (few === null) return [];
  return isSeveral(few) ? few : [few];
}

function isSeveral<T extends object>(few: T | readonly T[]): few is readonly T[] {
  return Array.isArray(few);
}
