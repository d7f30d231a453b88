/** Who this tab is: `?name=`, else what it was before a reload, else whatever the person says. */

import { byId } from './dom.js';

const KEY = 'halley-demo-name';
const NAME_MAX_CHARS = 32;

/** Resolves once there is a name. */
export async function readName() {
  const name = usable(new URLSearchParams(location.search).get('name'));
  const known = name ?? usable(sessionStorage.getItem(KEY));
  if (known === null) return askName();
  sessionStorage.setItem(KEY, known);
  return known;
}

/** Another name is another client: the page begins anew. */
export async function changeName() {
  const name = await askName(sessionStorage.getItem(KEY) ?? '');
  if (name === null) return;
  const url = new URL(location.href);
  url.searchParams.delete('name');
  history.replaceState(null, '', url);
  location.reload();
}

/** @param present where given, the dialog may be left without a name: then null */
function askName(present) {
  const dialog = byId('name-dialog');
  const field = byId('name');
  field.value = present ?? '';
  dialog.oncancel = (event) => {
    if (present === undefined) event.preventDefault();
  };
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    byId('name-form').onsubmit = (event) => {
      const name = usable(field.value);
      if (name === null) {
        event.preventDefault();
        return;
      }
      sessionStorage.setItem(KEY, name);
      dialog.onclose = null;
      resolve(name);
    };
    dialog.onclose = () => {
      // A browser closes it at a second Esc, whatever was said to the first.
      if (present === undefined) dialog.showModal();
      else resolve(null);
    };
  });
}

function usable(text) {
  const name = [...(text ?? '').replace(/\p{C}/gu, '').trim()].slice(0, NAME_MAX_CHARS).join('');
  return name === '' ? null : name;
}
