/** What a run talks to, and how much it does: environment variables, each with a default. */

export const DEFAULTS = {
  /** Of the api. */
  HALLEY_TARGET: 'http://127.0.0.1:8000',
  /** An API key that may publish, sign tokens and list edges: the role `admin`. */
  HALLEY_KEY: 'dev-key',
  /** Addresses of edges, with commas between; empty: those that the api lists. */
  HALLEY_EDGE_URLS: '',
  /** A token for all clients; empty: the api signs one for each. */
  HALLEY_TOKEN: '',
  /** All channels of a run begin with it. */
  HALLEY_CHANNELS: 'demo:artillery',
  /** How long users arrive, seconds. */
  HALLEY_SECONDS: '20',
  /** Users that arrive in a second. */
  HALLEY_ARRIVALS: '10',
  /** Messages of each user. */
  HALLEY_MESSAGES: '5',
  /** People of a chat room. */
  HALLEY_ROOM: '5',
  /** Threshold: from POST or `publish` to receipt, and of answers, milliseconds. */
  HALLEY_P99_MS: '500',
};

export function setting(name) {
  return process.env[name] || DEFAULTS[name];
}

export function numberSetting(name) {
  return Number(setting(name));
}
