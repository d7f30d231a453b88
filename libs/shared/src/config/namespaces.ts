import type { Rule } from '../auth/index.js';
import { namespaceOf } from '../protocol/index.js';

/** The options of a namespace: the part of a channel's name before its first `:`. */
export interface Namespace {
  /** Messages kept; 0 keeps none. */
  readonly historySize: number;
  /** Age up to which a message is shown. */
  readonly historySeconds: number;
  readonly subscribe: Rule;
  readonly publish: Rule;
  readonly history: Rule;
  /** Who may read the members. */
  readonly presence: Rule;
  /** Whether members are kept. */
  readonly members: boolean;
  /** Whether coming and going is told to the members. */
  readonly joinLeave: boolean;
  /** How long a lost client stays a member, so that a page reload is silent. */
  readonly leaveDelayMs: number;
  readonly maxPayloadBytes: number;
  /** Messages are numbered from 1, as clients of iComet need it. */
  readonly icomet: boolean;
  /** Backend that decides where the rule is `token` and no token allows it. */
  readonly authorizeUrl?: string;
}

export type NamespaceOptions = Partial<Namespace>;

export const CLIENT_NAMESPACE = '@client';

export const NAMESPACE_DEFAULTS: Namespace = Object.freeze({
  historySize: 100,
  historySeconds: 300,
  subscribe: 'token',
  publish: 'token',
  history: 'token',
  presence: 'token',
  members: false,
  joinLeave: false,
  leaveDelayMs: 5_000,
  maxPayloadBytes: 65_536,
  icomet: false,
});

/** One message, the present state of the client, for as long as anybody may ask for it. */
const CLIENT_NAMESPACE_OPTIONS: NamespaceOptions = {
  historySize: 1,
  historySeconds: 86_400,
  publish: 'none',
  presence: 'none',
};

const DEVELOPMENT_NAMESPACES: readonly string[] = ['', 'demo'];
const DEVELOPMENT_OPTIONS: NamespaceOptions = {
  subscribe: 'anyone',
  publish: 'anyone',
  history: 'anyone',
  presence: 'anyone',
  members: true,
  joinLeave: true,
};

export class Namespaces {
  readonly #byName: ReadonlyMap<string, Namespace>;

  constructor(byName: ReadonlyMap<string, Namespace>) {
    this.#byName = byName;
  }

  /** The options of a channel; the defaults where its namespace is not configured. */
  of(channel: string): Namespace {
    return this.#byName.get(namespaceOf(channel)) ?? NAMESPACE_DEFAULTS;
  }

  /** Whether some namespace has an `authorizeUrl`. */
  get asksBackends(): boolean {
    return [...this.#byName.values()].some(({ authorizeUrl }) => authorizeUrl !== undefined);
  }

  /** Bytes of the largest data that any namespace takes. */
  get maxPayloadBytes(): number {
    const sizes = [...this.#byName.values()].map((namespace) => namespace.maxPayloadBytes);
    return Math.max(NAMESPACE_DEFAULTS.maxPayloadBytes, ...sizes);
  }

  /** Bytes of data that every namespace with `icomet` takes. */
  get icometPayloadBytes(): number {
    const numbered = [...this.#byName.values()].filter(({ icomet }) => icomet);
    return Math.min(...numbered.map((namespace) => namespace.maxPayloadBytes));
  }
}

/** The configured namespaces, those that are built in, and in development those for trying out. */
export function buildNamespaces(
  configured: ReadonlyMap<string, NamespaceOptions>,
  production: boolean,
): Namespaces {
  const byName = new Map<string, Namespace>();
  if (!production) {
    for (const name of DEVELOPMENT_NAMESPACES) {
      byName.set(name, complete({ ...DEVELOPMENT_OPTIONS, icomet: name === '' }));
    }
  }
  for (const [name, options] of configured) byName.set(name, complete(options));
  const rights = configured.get(CLIENT_NAMESPACE);
  byName.set(CLIENT_NAMESPACE, complete({ ...CLIENT_NAMESPACE_OPTIONS, ...rights }));
  return new Namespaces(byName);
}

function complete(options: NamespaceOptions): Namespace {
  return Object.freeze({ ...NAMESPACE_DEFAULTS, ...options });
}
