/** What the connection is and does, and the ways to try it out. */

import { askBackend, readHints } from './backend.js';
import { byId, keepList, make, setText } from './dom.js';
import { newKey, problemOf } from './entries.js';

const CHANGES_MAX = 50;
const NOTHING = '\u2013';

export class Inspector {
  #halley;
  #me;
  #onChange;
  #changes = [];
  #hints = { apiPort: null, key: null };

  constructor(halley, me, onChange) {
    this.#halley = halley;
    this.#me = me;
    this.#onChange = onChange;
    halley.on('state', (state) => this.#log(describe(state)));
    halley.on('error', (error) => this.#log(`error: ${problemOf(error)}`));
    halley.on('gap', () => this.#log('gap: private messages were lost'));
    byId('cut').onclick = () => void this.#cut();
    byId('curl-copy').onclick = () => void copy(byId('curl').textContent, byId('curl-copy'));
    startTransportForm();
    void this.#loadHints();
  }

  render(room) {
    const { state } = this.#halley;
    const facts = {
      state: state.name === 'waiting' ? `waiting ${Math.round(state.retryInMs)} ms` : state.name,
      transport: state.transport,
      sharing: state.sharing,
      node: state.node,
      edge: state.edgeId,
      connection: state.connectionId,
      position: room?.position,
      reconnects: String(state.reconnects),
      code: state.code,
    };
    for (const [name, value] of Object.entries(facts)) {
      setText(document.querySelector(`[data-fact="${name}"]`), value || NOTHING);
    }
    setText(byId('status-text'), state.name);
    byId('status').dataset.state = state.name;
    setText(byId('curl'), this.#curlLine(room));
    keepList(byId('changes'), this.#changes, {
      keyOf: ({ key }) => key,
      create: ({ at, text }) =>
        make('li', {}, make('time', { textContent: at }), make('span', { textContent: text })),
    });
  }

  #log(text) {
    const at = new Date().toLocaleTimeString([], { hour12: false });
    this.#changes = [{ key: newKey(), at, text }, ...this.#changes].slice(0, CHANGES_MAX);
    this.#onChange();
  }

  async #cut() {
    this.#log('asking the edge to cut the socket');
    try {
      await askBackend('cut', { client: this.#me });
    } catch (error) {
      this.#log(`not cut: ${problemOf(error)}`);
    }
  }

  async #loadHints() {
    try {
      this.#hints = await readHints();
      this.#onChange();
    } catch (error) {
      this.#log(`no hints: ${problemOf(error)}`);
    }
  }

  #curlLine(room) {
    const { apiPort, key } = this.#hints;
    const api = `${location.protocol}//${location.hostname}:${apiPort ?? '<port of the api>'}`;
    return [
      `curl ${api}/channels/${room?.channel ?? 'demo:lobby'}/messages`,
      `  -H 'Authorization: Bearer ${key ?? '<one of HALLEY_API_KEYS>'}'`,
      `  -H 'Content-Type: application/json'`,
      `  -d '{"data":"hello from a shell"}'`,
    ].join(' \\\n');
  }
}

function describe(state) {
  const { name, transport, retryInMs, code } = state;
  if (name === 'connected') return `connected by ${transport}`;
  const why = code ? ` (${code})` : '';
  return name === 'waiting' ? `waiting ${Math.round(retryInMs)} ms${why}` : `${name}${why}`;
}

/** The transport is chosen by the address, so that a reload keeps it. */
function startTransportForm() {
  const url = new URL(location.href);
  byId('transport').value = url.searchParams.get('transport') ?? '';
  byId('transport-form').onsubmit = (event) => {
    event.preventDefault();
    const { value } = byId('transport');
    if (value === '') url.searchParams.delete('transport');
    else url.searchParams.set('transport', value);
    url.hash = location.hash;
    // Not `assign`: where only the hash is the same, nothing would be loaded.
    history.replaceState(null, '', url);
    location.reload();
  };
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    setText(button, 'Copied');
  } catch {
    setText(button, 'Copying is not allowed here');
  }
}
