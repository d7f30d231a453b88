/** The JSON file that `HALLEY_CONFIG` names. */

import { readFileSync } from 'node:fs';
import { RULES } from '../auth/index.js';
import { CHANNEL_NAME_MAX_BYTES } from '../protocol/index.js';
import { AUTHORIZE_URL_MAX_CHARS, authorizeUrlProblems } from './authorize-url.js';
import { CLIENT_NAMESPACE, type NamespaceOptions } from './namespaces.js';
import { boolean, integer, isChosen, object, oneOf, optionProblems, text } from './options.js';

export interface QueueLimits {
  /** Age up to which a private message waits for its client. */
  readonly seconds: number;
  /** Unacknowledged messages of a client, above which a publish is refused. */
  readonly maxMessages: number;
}

export interface FileConfig {
  readonly namespaces: ReadonlyMap<string, NamespaceOptions>;
  readonly queue: QueueLimits;
}

export const QUEUE_DEFAULTS: QueueLimits = { seconds: 60, maxMessages: 1_000 };
export const NO_FILE: FileConfig = { namespaces: new Map(), queue: QUEUE_DEFAULTS };

const right = oneOf(RULES);
const authorizeUrl = text(AUTHORIZE_URL_MAX_CHARS);

const NAMESPACE_OPTIONS = {
  historySize: integer(0, 10_000),
  historySeconds: integer(1, 604_800),
  subscribe: right,
  publish: right,
  history: right,
  presence: right,
  members: boolean,
  joinLeave: boolean,
  leaveDelayMs: integer(0, 600_000),
  maxPayloadBytes: integer(1, 1_048_576),
  icomet: boolean,
  authorizeUrl,
};

/** What the server writes into `@client` channels is fixed; who may read them is not. */
const CLIENT_NAMESPACE_OPTIONS = { subscribe: right, history: right, authorizeUrl };

const FILE_OPTIONS = {
  namespaces: object,
  queueSeconds: integer(1, 86_400),
  queueMaxMessages: integer(1, 100_000),
};

const NAMESPACE_NAME = /^[A-Za-z0-9_\-=@,.;~]*$/;
/** A channel of the namespace has the `:` too. */
const NAMESPACE_MAX_BYTES = CHANNEL_NAME_MAX_BYTES - 1;

/** Reads the file; every problem is added to `problems` as a sentence that names its place. */
export function readConfigFile(path: string, problems: string[]): FileConfig {
  const value = readJson(path, problems);
  if (value === undefined) return NO_FILE;
  const found = optionProblems('', value, FILE_OPTIONS);
  const namespaces = readNamespaces(value, found);
  problems.push(...found.map((problem) => `HALLEY_CONFIG ${path}: ${problem}`));
  if (!isChosen(value, FILE_OPTIONS)) return NO_FILE;
  const seconds = value.queueSeconds ?? QUEUE_DEFAULTS.seconds;
  const maxMessages = value.queueMaxMessages ?? QUEUE_DEFAULTS.maxMessages;
  return { namespaces, queue: { seconds, maxMessages } };
}

function readNamespaces(value: unknown, problems: string[]): Map<string, NamespaceOptions> {
  const namespaces = new Map<string, NamespaceOptions>();
  // Whatever else of the file is wrong.
  if (!object.is(value) || !object.is(value['namespaces'])) return namespaces;
  for (const [name, options] of Object.entries(value['namespaces'])) {
    const wrong = namespaceProblems(name, options);
    problems.push(...wrong);
    if (wrong.length === 0 && isChosen(options, NAMESPACE_OPTIONS)) namespaces.set(name, options);
  }
  return namespaces;
}

function readJson(path: string, problems: string[]): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    problems.push(`HALLEY_CONFIG ${path} cannot be read: ${reason}`);
    return undefined;
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    problems.push(`HALLEY_CONFIG ${path} is not JSON: ${reason}`);
    return undefined;
  }
}

function namespaceProblems(name: string, options: unknown): string[] {
  const place = `namespaces[${JSON.stringify(name)}]`;
  if (name === CLIENT_NAMESPACE) {
    const wrong = optionProblems(place, options, CLIENT_NAMESPACE_OPTIONS);
    if (!isChosen(options, CLIENT_NAMESPACE_OPTIONS)) return wrong;
    return authorizeUrlProblems(options).map((problem) => `${place}: ${problem}`);
  }
  if (name.startsWith('@')) return [`${place}: names that start with @ are reserved`];
  if (!NAMESPACE_NAME.test(name) || name.length > NAMESPACE_MAX_BYTES) {
    return [
      `${place}: a name is at most ${NAMESPACE_MAX_BYTES} characters of A-Z a-z 0-9 _ - = @ , . ; ~`,
    ];
  }
  const wrong = optionProblems(place, options, NAMESPACE_OPTIONS);
  if (!isChosen(options, NAMESPACE_OPTIONS)) return wrong;
  return namespaceContradictions(options).map((problem) => `${place}: ${problem}`);
}

/** Rights are never contradictions: they decide who is told that a namespace keeps no history. */
function namespaceContradictions(options: NamespaceOptions): string[] {
  const found: string[] = [];
  if (options.joinLeave === true && options.members !== true) {
    found.push('joinLeave needs members');
  }
  if (options.leaveDelayMs !== undefined && options.members !== true) {
    found.push('leaveDelayMs needs members');
  }
  if (options.historySize === 0 && options.historySeconds !== undefined) {
    found.push('historySeconds needs a historySize above 0');
  }
  if (options.icomet === true && options.historySize === 0) {
    found.push('icomet needs a historySize above 0');
  }
  return [...found, ...authorizeUrlProblems(options)];
}
