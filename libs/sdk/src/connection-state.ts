import type { State } from './types.js';

type Own<S> = S extends State ? Omit<S, 'sharing' | 'reconnects'> : never;

/** What a connection says of itself. It is never suspended: a page that sleeps lets it go. */
export type ConnectionState = Own<Exclude<State, { readonly name: 'suspended' }>>;

type Bare<S> = S extends ConnectionState ? Omit<S, 'code'> : never;

/** The same without the reason of what was before. */
export type BareState = Bare<ConnectionState>;
