/** The few lines that a page needs in place of a framework. Texts only go in as texts. */

export function byId(id) {
  return document.getElementById(id);
}

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Writes a text only where it differs: a live region says what changes. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const kept = new WeakMap();

/**
 * Makes the children of a list those of `items`. An item's element stays the same, and in its place, so
 * that focus and screen readers keep theirs.
 * @param view `{keyOf(item), create(item), update?(element, item, index)}`
 */
export function keepList(list, items, { keyOf, create, update }) {
  const before = kept.get(list) ?? new Map();
  const keys = new Set(items.map(keyOf));
  for (const [key, element] of before) if (!keys.has(key)) element.remove();
  const now = new Map();
  let place = list.firstElementChild;
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const element = before.get(key) ?? create(item);
    update?.(element, item, index);
    now.set(key, element);
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
  }
  kept.set(list, now);
}

/** Calls `render` once after however many changes of one turn, also in a tab that nobody sees. */
export function scheduled(render) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      render();
    });
  };
}

const HUES = 8;

/** A disc with the first letter of a name, in a colour of its own. */
export function paintAvatar(element, name) {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  element.className = `avatar hue-${hash % HUES}`;
  setText(element, [...name][0]?.toUpperCase() ?? '?');
}

export function timeText(unixMs) {
  return new Date(unixMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
