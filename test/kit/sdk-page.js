// A page, or a worker, that uses the SDK and writes down what it hears. Its address says how:
// `#` and a PageSpec (sdk-pages.ts) as JSON.

const spec = JSON.parse(decodeURIComponent(location.hash.slice(1)) || '{}');
const isWorker = typeof document === 'undefined';

const collected = {
  messages: {},
  privates: [],
  gaps: [],
  states: [],
  errors: [],
  violations: [],
  shown: [],
  story: [],
  before: readBefore(),
};
globalThis.collected = collected;

/** Of the page that was reloaded. */
function readBefore() {
  return isWorker ? null : JSON.parse(sessionStorage.getItem('before'));
}

/** A worker's page keeps a copy of it. */
function note(list, entry) {
  list.push(entry);
  if (isWorker) postMessage(collected);
}

addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
  note(collected.violations, `${violatedDirective} ${blockedURI}`),
);
addEventListener('pagehide', () =>
  sessionStorage.setItem('before', JSON.stringify({ ...collected, before: null })),
);
addEventListener('pageshow', ({ persisted }) => note(collected.shown, persisted));

async function getToken() {
  const answer = await fetch(spec.tokenUrl);
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return answer.text();
}

const halley = new globalThis.Halley({
  ...spec.options,
  ...(spec.tokenUrl !== undefined && { getToken }),
});
globalThis.client = halley;
globalThis.subscriptions = {};
globalThis.listen = (channel, options) => {
  collected.messages[channel] = [];
  globalThis.subscriptions[channel] = halley.subscribe(
    channel,
    ({ data }) => {
      collected.story.push(data);
      note(collected.messages[channel], data);
    },
    options,
  );
};

halley.on('state', (state) => note(collected.states, state));
halley.on('gap', (gap) => {
  collected.story.push('gap');
  note(collected.gaps, gap);
});
halley.on('error', ({ code, message }) => note(collected.errors, { code, message }));
for (const [channel, options] of Object.entries(spec.channels ?? {})) {
  globalThis.listen(channel, options);
}
if (spec.isIdle !== true) halley.on('private', ({ data }) => note(collected.privates, data));
