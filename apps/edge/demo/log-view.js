/** The messages of the conversation that is shown, its head, and who is typing in it. */

import { byId, keepList, make, paintAvatar, setText, timeText } from './dom.js';

/** Messages of one author stand together where they are not further apart. */
const TOGETHER_MS = 300_000;
/** Nearer to the end than this, the view follows what comes. */
const FOLLOW_PX = 80;

let shown = null;

export function renderLog(chat) {
  const { current } = chat;
  const log = byId('log');
  const isOther = shown !== current;
  const follows = isOther || log.scrollHeight - log.scrollTop - log.clientHeight < FOLLOW_PX;
  // What was said long ago is not news to a screen reader.
  if (isOther) log.setAttribute('aria-busy', 'true');
  const entries = current.entries.list;
  keepList(byId('messages'), entries, {
    keyOf: ({ key }) => `${current.id} ${key}`,
    create: createEntry,
    update: (element, entry, index) => updateEntry(element, entry, entries[index - 1]),
  });
  if (isOther) log.removeAttribute('aria-busy');
  if (follows) log.scrollTop = log.scrollHeight;
  shown = current;
  renderHead(chat);
  setText(byId('typing'), typingText(current.typists ?? []));
}

function renderHead({ current, mayLeave }) {
  const isRoom = current.kind === 'room';
  setText(byId('title'), isRoom ? current.id : current.peer);
  setText(byId('subtitle'), isRoom ? `channel ${current.channel}` : 'private messages');
  const leave = byId('leave');
  leave.hidden = !mayLeave;
  setText(leave, isRoom ? 'Leave' : 'Close');
  const label = isRoom ? `Message to ${current.id}` : `Private message to ${current.peer}`;
  setText(byId('text-label'), label);
  byId('text').placeholder = label;
  byId('chat').classList.toggle('private', !isRoom);
}

function createEntry(entry) {
  if (entry.kind === 'notice') {
    return make('li', { className: 'notice' }, make('span', { textContent: entry.text }));
  }
  const avatar = make('span', { ariaHidden: 'true' });
  paintAvatar(avatar, entry.author);
  const author = make('span', { className: 'author', textContent: entry.author });
  const head = make('p', { className: 'head' }, author);
  if (entry.isApi) head.append(make('span', { className: 'tag', textContent: 'by the API' }));
  if (entry.at !== undefined) {
    const dateTime = new Date(entry.at).toISOString();
    head.append(make('time', { dateTime, textContent: timeText(entry.at) }));
  }
  const text = make('p', { className: 'text', textContent: entry.text });
  const foot = make('p', { className: 'foot', hidden: true });
  return make('li', {}, avatar, make('div', {}, head, text, foot));
}

function updateEntry(element, entry, before) {
  if (entry.kind === 'notice') return;
  element.className = ['message', isTogether(entry, before) && 'together', entry.state]
    .filter(Boolean)
    .join(' ');
  const foot = element.querySelector('.foot');
  const text = footText(entry);
  foot.hidden = text === '';
  if (entry.state !== 'failed') {
    setText(foot, text);
  } else if (foot.querySelector('button') === null) {
    const again = make('button', { type: 'button', textContent: 'Send again' });
    again.onclick = () => void entry.retry();
    foot.replaceChildren(text, ' ', again);
  }
}

function isTogether(entry, before) {
  if (before?.kind !== 'message' || before.author !== entry.author) return false;
  return (entry.at ?? 0) - (before.at ?? 0) < TOGETHER_MS && entry.isApi === before.isApi;
}

function footText({ state, problem, note }) {
  if (state === 'sending') return 'sending';
  if (state === 'failed') return `not sent: ${problem}`;
  return note ?? '';
}

function typingText(names) {
  if (names.length === 0) return '';
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing`;
  return `${names.length} people are typing`;
}
