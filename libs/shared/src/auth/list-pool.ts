/** Distinct lists kept for sharing; the lists of one application are few. */
const POOL_MAX_LISTS = 1_024;
/** Lists of more bytes than this are likely to be one client's own. */
const POOLED_MAX_CHARS = 512;

const pool = new Map<string, readonly string[]>();

/**
 * The same frozen list for equal lists. Most tokens of an application carry the same patterns
 * (`room:*`, `inbox:{sub}`); unshared they would cost each connection some hundred bytes.
 */
export function sharedList(list: readonly string[]): readonly string[] {
  const key = JSON.stringify(list);
  if (key.length > POOLED_MAX_CHARS) return list;
  const known = pool.get(key);
  if (known !== undefined) return known;
  // Lists made for one client push out the shared ones now and then; those return with the next token.
  if (pool.size >= POOL_MAX_LISTS) pool.clear();
  const shared = Object.freeze([...list]);
  pool.set(key, shared);
  return shared;
}
