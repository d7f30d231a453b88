/** The lists beside the chat: rooms, private conversations, and who is online in the room. */

import { byId, keepList, make, paintAvatar, setText } from './dom.js';

export function renderSide(chat) {
  const { rooms, talks, current, unread } = chat;
  renderConversations(chat, byId('rooms'), rooms, ({ name }) => name);
  renderConversations(chat, byId('privates'), talks, ({ peer }) => peer);
  byId('privates-section').hidden = talks.length === 0;
  const room = current.kind === 'room' ? current : chat.lastRoom;
  renderPeople(chat, room);
  const badge = byId('side-badge');
  badge.hidden = unread === 0;
  setText(badge, unread === 0 ? '' : String(unread));
  document.title = `${unread === 0 ? '' : `(${unread}) `}${current.id} - Halley demo`;
}

function renderConversations(chat, list, conversations, nameOf) {
  keepList(list, conversations, {
    keyOf: ({ id }) => id,
    create(conversation) {
      const mark = make('span', { ariaHidden: 'true' });
      if (conversation.kind === 'room')
        Object.assign(mark, { className: 'hash', textContent: '#' });
      else paintAvatar(mark, conversation.peer);
      const name = make('span', { className: 'name', textContent: nameOf(conversation) });
      const badge = make('span', { className: 'badge', hidden: true });
      const button = make('button', { type: 'button' }, mark, name, badge);
      button.onclick = () => chat.select(conversation);
      return make('li', {}, button);
    },
    update(element, conversation) {
      const button = element.firstElementChild;
      if (conversation === chat.current) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
      const badge = button.lastElementChild;
      const count = conversation === chat.current ? 0 : conversation.unread;
      badge.hidden = count === 0;
      setText(badge, count === 0 ? '' : String(count));
      if (count === 0) badge.removeAttribute('aria-label');
      else badge.setAttribute('aria-label', `${count} new`);
    },
  });
}

function renderPeople(chat, room) {
  const { me } = chat;
  const people = [...(room?.members.keys() ?? [])].sort((one, other) => {
    if (one === me || other === me) return one === me ? -1 : 1;
    return one.localeCompare(other);
  });
  const hidden = room?.hiddenMembers ?? 0;
  setText(byId('people-count'), String(people.length + hidden));
  keepList(byId('people'), people, {
    keyOf: (name) => name,
    create: (name) => make('li', {}, personOf(chat, name)),
  });
  const more = byId('people-more');
  more.hidden = hidden === 0;
  setText(more, hidden === 0 ? '' : `and ${hidden} more`);
}

function personOf(chat, name) {
  const avatar = make('span', { ariaHidden: 'true' });
  paintAvatar(avatar, name);
  const label = make('span', { className: 'name', textContent: name });
  if (name === chat.me) {
    const you = make('span', { className: 'tag', textContent: 'you' });
    return make('span', { className: 'person' }, avatar, label, you);
  }
  const title = `Write to ${name} in private`;
  const button = make('button', { type: 'button', title }, avatar, label);
  button.onclick = () => {
    chat.talkWith(name);
    byId('text').focus();
  };
  return button;
}
