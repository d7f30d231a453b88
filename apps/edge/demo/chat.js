/** The conversations of this tab. Knows no element of the page. */

import { PrivateTalk } from './private-talk.js';
import { Room } from './room.js';

const ROOMS_KEY = 'halley-demo-rooms';
const FIRST_ROOMS = ['lobby', 'random'];
const ROOMS_MAX = 12;
const TALKS_MAX = 30;
const ROOM_NAME = /^[A-Za-z0-9_-]{1,40}$/;

export class Chat {
  rooms = [];
  talks = [];
  /** The conversation that is shown. */
  current;
  /** The room that was shown last. */
  lastRoom;
  #halley;
  #me;
  #onChange;

  constructor(halley, me, onChange) {
    this.#halley = halley;
    this.#me = me;
    this.#onChange = onChange;
    halley.on('private', ({ id, data }) => this.#takePrivate(id, data));
    for (const name of savedRooms()) this.#open(name);
    const wanted = location.hash.slice(1);
    if (this.join(wanted) === null) this.select(null);
  }

  get me() {
    return this.#me;
  }

  get unread() {
    return [...this.rooms, ...this.talks].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Shows a conversation; without one, the room that was shown last. */
  select(conversation) {
    this.current = conversation ?? this.lastRoom ?? this.rooms[0];
    this.current.unread = 0;
    if (this.current.kind === 'room') {
      this.lastRoom = this.current;
      history.replaceState(null, '', `#${this.current.name}`);
    }
    this.#onChange();
  }

  /** Opens a room and shows it. @returns null where the name will not do, or there are too many */
  join(name) {
    if (!ROOM_NAME.test(name)) return null;
    const room = this.#roomOf(name) ?? this.#open(name);
    if (room !== null) this.select(room);
    return room;
  }

  /** Closes the conversation that is shown. One room stays. */
  leave() {
    const { current } = this;
    if (!this.mayLeave) return;
    if (current.kind === 'room') {
      current.close();
      this.rooms = this.rooms.filter((room) => room !== current);
      this.lastRoom = undefined;
      this.#save();
    } else {
      this.talks = this.talks.filter((talk) => talk !== current);
    }
    this.select(null);
  }

  get mayLeave() {
    return this.current.kind === 'private' || this.rooms.length > 1;
  }

  talkWith(peer) {
    this.select(this.#talkOf(peer));
  }

  #open(name) {
    if (this.rooms.length >= ROOMS_MAX) return null;
    const room = new Room(this.#halley, this.#me, name, () => this.#changed(room));
    this.rooms.push(room);
    this.#save();
    return room;
  }

  #roomOf(name) {
    return this.rooms.find((room) => room.name === name);
  }

  #talkOf(peer) {
    const known = this.talks.find((talk) => talk.peer === peer);
    if (known !== undefined) return known;
    const talk = new PrivateTalk(this.#me, peer, () => this.#changed(talk));
    this.talks = [...this.talks, talk].slice(-TALKS_MAX);
    return talk;
  }

  #takePrivate(id, data) {
    const isTalk = typeof data === 'object' && data !== null && typeof data.from === 'string';
    const text = isTalk && typeof data.text === 'string' ? data.text : JSON.stringify(data);
    this.#talkOf(isTalk ? data.from : 'Server').take(id, text);
  }

  #changed(conversation) {
    if (conversation === this.current) conversation.unread = 0;
    this.#onChange();
  }

  #save() {
    sessionStorage.setItem(ROOMS_KEY, JSON.stringify(this.rooms.map(({ name }) => name)));
  }
}

function savedRooms() {
  try {
    const names = JSON.parse(sessionStorage.getItem(ROOMS_KEY)).filter((name) =>
      ROOM_NAME.test(name),
    );
    return names.length > 0 ? names : FIRST_ROOMS;
  } catch {
    return FIRST_ROOMS;
  }
}
