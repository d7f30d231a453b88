/** What a conversation shows, oldest first. Bounded: a page that stays open for days keeps the last. */

const ENTRIES_MAX = 200;
const KEY_BYTES = 12;

/**
 * An entry: `{key, kind: 'message', author, text, at?, isOwn, state?: 'sending' | 'failed', problem?,
 * note?, retry?}` or `{key, kind: 'notice', text, at}`.
 */
export class Entries {
  list = [];
  /** Ids that were shown: a message that comes again after a reconnect is shown once. */
  #ids = new Set();

  add(entry) {
    this.list.push(entry);
    if (this.list.length <= ENTRIES_MAX) return;
    const [oldest] = this.list.splice(0, 1);
    this.#ids.delete(oldest.key);
  }

  notice(text) {
    this.add({ key: newKey(), kind: 'notice', text, at: Date.now() });
  }

  /** @returns false where this id is shown already */
  addOnce(entry) {
    if (this.#ids.has(entry.key)) return false;
    this.#ids.add(entry.key);
    this.add(entry);
    return true;
  }

  remove(key) {
    this.list = this.list.filter((entry) => entry.key !== key);
  }

  change(key, fields) {
    this.list = this.list.map((entry) => (entry.key === key ? { ...entry, ...fields } : entry));
  }
}

/** Also on pages without a secure context, which have no `crypto.randomUUID`. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What to say of something that went wrong. */
export function problemOf(error) {
  return error instanceof Error ? error.message : String(error);
}
