/** The demo: a chat in which everything goes through the SDK as an application would use it. */

import { Chat } from './chat.js';
import { byId, paintAvatar, scheduled, setText } from './dom.js';
import { changeName, readName } from './identity.js';
import { Inspector } from './inspector.js';
import { renderLog } from './log-view.js';
import { startPanels } from './panels.js';
import { renderSide } from './side-view.js';

const { Halley } = globalThis;

const me = await readName();
const transport = new URLSearchParams(location.search).get('transport');
const halley = new Halley({ client: me, ...(transport !== null && { transports: [transport] }) });

const onChange = scheduled(() => {
  renderLog(chat);
  renderSide(chat);
  inspector.render(chat.current.kind === 'room' ? chat.current : chat.lastRoom);
});
const inspector = new Inspector(halley, me, onChange);
const chat = new Chat(halley, me, onChange);
const panels = startPanels(() => {
  if (chat.current.kind === 'private') chat.select(null);
  byId('text').focus();
});

paintAvatar(byId('name-change').firstElementChild, me);
setText(byId('name-shown'), me);
byId('name-change').onclick = () => void changeName();
byId('leave').onclick = () => {
  chat.leave();
  byId('text').focus();
};

byId('side').addEventListener('click', (event) => {
  if (event.target.closest('ul button')) panels.closeSide();
});

byId('room-form').onsubmit = (event) => {
  event.preventDefault();
  const field = byId('room-name');
  if (chat.join(field.value.trim()) === null) {
    field.setCustomValidity('There are enough rooms open: leave one first.');
    field.reportValidity();
    return;
  }
  field.value = '';
  panels.closeSide();
  byId('text').focus();
};
byId('room-name').oninput = ({ target }) => target.setCustomValidity('');

byId('composer').onsubmit = (event) => {
  event.preventDefault();
  const field = byId('text');
  const text = field.value.trim();
  if (text === '') return;
  field.value = '';
  void chat.current.send(text);
};
byId('text').oninput = ({ target }) => {
  if (target.value !== '') chat.current.sayTyping?.();
};

halley.connect();
onChange();
byId('text').focus();
