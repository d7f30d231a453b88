/** A room: a channel with its history, its members and, beside it, who is typing. */

import { Entries, newKey, problemOf } from './entries.js';

const HISTORY_MESSAGES = 50;
const MEMBERS_SHOWN = 100;
/** A typist is told of at most this often, and forgotten when nothing comes for longer. */
const TYPING_EVERY_MS = 2_500;
const TYPING_SHOWN_MS = 5_000;

export class Room {
  kind = 'room';
  entries = new Entries();
  members = new Map();
  /** Members that are not in `members`: there are more than are shown. */
  hiddenMembers = 0;
  unread = 0;
  #halley;
  #me;
  #onChange;
  #subscription;
  #typing;
  /** Timers by the names of those who type. */
  #typists = new Map();
  #saidTypingAt = Number.NEGATIVE_INFINITY;
  #ownKeys = new Set();
  #sinceAsked = [];

  constructor(halley, me, name, onChange) {
    this.name = name;
    this.#halley = halley;
    this.#me = me;
    this.#onChange = onChange;
    this.#subscription = this.#subscribe();
    // Of its own channel, so that the history of the room holds what people said.
    this.#typing = halley.subscribe(`${this.channel}:typing`, (message) => this.#typed(message), {
      echo: false,
    });
    this.#typing.ready.catch(() => undefined); // The room's own failure tells enough.
  }

  get id() {
    return `#${this.name}`;
  }

  get channel() {
    return `demo:${this.name}`;
  }

  get position() {
    return this.#subscription.position;
  }

  get typists() {
    return [...this.#typists.keys()];
  }

  /** Publishes a text; it is shown at once, and counts as sent when it comes back. */
  async send(text, key = newKey()) {
    this.#ownKeys.add(key);
    this.entries.remove(key);
    const retry = () => this.send(text, key);
    const entry = { key, kind: 'message', author: this.#me, text, at: Date.now(), isOwn: true };
    this.entries.add({ ...entry, state: 'sending', retry });
    this.#saidTypingAt = Number.NEGATIVE_INFINITY;
    this.#onChange();
    try {
      await this.#halley.publish(this.channel, { text, at: Date.now(), key }, { key });
    } catch (error) {
      this.entries.change(key, { state: 'failed', problem: problemOf(error) });
      this.#onChange();
    }
  }

  sayTyping() {
    const now = performance.now();
    if (now - this.#saidTypingAt < TYPING_EVERY_MS) return;
    this.#saidTypingAt = now;
    // A lost one is no loss: the next key says it again.
    this.#halley
      .publish(`${this.channel}:typing`, null, { event: 'typing' })
      .catch(() => undefined);
  }

  close() {
    this.#subscription.unsubscribe();
    this.#typing.unsubscribe();
    for (const timer of this.#typists.values()) clearTimeout(timer);
  }

  #subscribe() {
    const take = (message) => this.#take(message);
    const subscription = this.#halley.subscribe(this.channel, take, { last: HISTORY_MESSAGES });
    subscription.on('join', (event) => this.#memberChanged(event, true));
    subscription.on('leave', (event) => this.#memberChanged(event, false));
    subscription.on('ready', () => this.#loadMembers());
    subscription.on('gap', () => this.#say('Messages are missing here: they are too old.'));
    subscription.on('end', ({ code }) => {
      if (code !== undefined) this.#say(`The edge has ended this room (${code}).`);
    });
    subscription.ready.catch((error) => this.#say(`This room is closed: ${problemOf(error)}`));
    return subscription;
  }

  #take({ id, data, clientId }) {
    const author = clientId ?? 'Server';
    const said = typeof data === 'object' && data !== null && typeof data.text === 'string';
    const text = said ? data.text : typeof data === 'string' ? data : JSON.stringify(data);
    const at = said && Number.isFinite(data.at) ? data.at : undefined;
    if (said && this.#ownKeys.delete(data.key)) this.entries.remove(data.key);
    const isOwn = author === this.#me;
    const entry = {
      key: id,
      kind: 'message',
      author,
      text,
      at,
      isOwn,
      isApi: clientId === undefined,
    };
    if (!this.entries.addOnce(entry)) return;
    if (!isOwn) this.unread += 1;
    this.#stopped(author);
    this.#onChange();
  }

  #typed({ event, clientId }) {
    if (event !== 'typing' || clientId === undefined || clientId === this.#me) return;
    clearTimeout(this.#typists.get(clientId));
    const timer = setTimeout(() => {
      this.#stopped(clientId);
      this.#onChange();
    }, TYPING_SHOWN_MS);
    this.#typists.set(clientId, timer);
    this.#onChange();
  }

  #stopped(name) {
    clearTimeout(this.#typists.get(name));
    this.#typists.delete(name);
  }

  /** Asked anew after each reconnect: who came and went meanwhile was not told. */
  async #loadMembers() {
    const since = [];
    this.#sinceAsked = since;
    try {
      const page = await this.#halley.members(this.channel, { limit: MEMBERS_SHOWN });
      if (this.#sinceAsked !== since) return;
      this.members = new Map(page.members.map((member) => [member.clientId, member]));
      for (const [event, isHere] of since) this.#setMember(event, isHere);
      this.hiddenMembers = page.more ? page.count - page.members.length : 0;
    } catch (error) {
      this.entries.notice(`The members could not be read: ${problemOf(error)}`);
    }
    this.#onChange();
  }

  #memberChanged(event, isHere) {
    this.#sinceAsked.push([event, isHere]);
    if (this.#setMember(event, isHere)) {
      this.entries.notice(`${event.clientId} ${isHere ? 'joined' : 'left'}`);
    }
    if (!isHere) this.#stopped(event.clientId);
    this.#onChange();
  }

  /** @returns whether that was new */
  #setMember(event, isHere) {
    const wasHere = this.members.has(event.clientId);
    if (isHere) this.members.set(event.clientId, event);
    else this.members.delete(event.clientId);
    return wasHere !== isHere;
  }

  #say(text) {
    this.entries.notice(text);
    this.#onChange();
  }
}
