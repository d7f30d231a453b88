/** The two panels beside the chat: on a narrow page they lie over it, and Esc closes them. */

import { byId } from './dom.js';

const WIDE = matchMedia('(min-width: 1100px)');
const MEDIUM = matchMedia('(min-width: 700px)');

/** @param onEscape called where there was no panel to close */
export function startPanels(onEscape) {
  const side = panel('side');
  const inspector = panel('inspector');
  const settle = () => {
    side.show(MEDIUM.matches);
    if (!WIDE.matches) inspector.show(false);
  };
  WIDE.addEventListener('change', settle);
  MEDIUM.addEventListener('change', settle);
  settle();
  inspector.show(WIDE.matches);
  side.toggle.onclick = () => {
    inspector.show(false);
    side.show(!side.isOpen());
  };
  inspector.toggle.onclick = () => {
    if (!MEDIUM.matches) side.show(false);
    inspector.show(!inspector.isOpen());
  };
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || byId('name-dialog').open) return;
    if (!MEDIUM.matches && side.isOpen()) side.close();
    else if (!WIDE.matches && inspector.isOpen()) inspector.close();
    else onEscape();
  });
  return {
    /** After a choice in it, where it lies over the chat. */
    closeSide() {
      if (!MEDIUM.matches) side.show(false);
    },
  };
}

function panel(id) {
  const element = byId(id);
  const toggle = byId(`${id}-toggle`);
  const show = (isOpen) => {
    element.hidden = !isOpen;
    toggle.setAttribute('aria-expanded', String(isOpen));
  };
  return {
    toggle,
    show,
    isOpen: () => !element.hidden,
    close() {
      show(false);
      toggle.focus();
    },
  };
}
