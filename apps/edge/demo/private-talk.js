/** A conversation with one other client: its messages go into their queue, whatever they subscribe to. */

import { askBackend } from './backend.js';
import { Entries, newKey, problemOf } from './entries.js';

export class PrivateTalk {
  kind = 'private';
  entries = new Entries();
  unread = 0;
  #me;
  #onChange;

  constructor(me, peer, onChange) {
    this.peer = peer;
    this.#me = me;
    this.#onChange = onChange;
  }

  get id() {
    return `@${this.peer}`;
  }

  /** Private messages come from backends alone, which the edge plays for this page. */
  async send(text, key = newKey()) {
    this.entries.remove(key);
    const retry = () => this.send(text, key);
    const entry = { key, kind: 'message', author: this.#me, text, at: Date.now(), isOwn: true };
    this.entries.add({ ...entry, state: 'sending', retry });
    this.#onChange();
    try {
      const { edges } = await askBackend('private', { to: this.peer, from: this.#me, text });
      const note = edges === 0 ? `${this.peer} is away: it waits a minute for them` : undefined;
      this.entries.change(key, { state: undefined, note });
    } catch (error) {
      this.entries.change(key, { state: 'failed', problem: problemOf(error) });
    }
    this.#onChange();
  }

  take(id, text) {
    const entry = {
      key: id,
      kind: 'message',
      author: this.peer,
      text,
      at: Date.now(),
      isOwn: false,
    };
    if (!this.entries.addOnce(entry)) return;
    this.unread += 1;
    this.#onChange();
  }
}
