import { escapeName } from '../protocol/index.js';
import type { Claims } from './claims.js';

export const RULES = ['anyone', 'client', 'token', 'none'] as const;
/** Who may do something in a namespace: everybody, any identity, whom a token names, nobody. */
export type Rule = (typeof RULES)[number];

export type Action = 'subscribe' | 'publish' | 'history' | 'presence';

/** What a token says of rights. */
export type TokenRights = {
  readonly [Name in 'subscribe' | 'publish' | 'presence' | 'channel']?: Claims[Name] | undefined;
} & Pick<Claims, 'clientId'>;

const STAR = 42;
const BRACE = 123;
const CLIENT_PLACEHOLDER = '{sub}';

/**
 * Whether a namespace's rule for the action allows it on a channel.
 * @param claims of the connection's token or of one given for this channel; null without a token
 * @param hasIdentity the connection has a client name that the server trusts
 */
export function may(
  action: Action,
  channel: string,
  rule: Rule,
  claims: TokenRights | null,
  hasIdentity: boolean,
): boolean {
  if (rule === 'anyone') return true;
  if (rule === 'none') return false;
  // A token for one channel says nothing about any other.
  const speaks = claims !== null && (claims.channel === undefined || claims.channel === channel);
  if (rule === 'client') return hasIdentity || speaks;
  return speaks && grants(action, channel, claims);
}

function grants(action: Action, channel: string, claims: TokenRights): boolean {
  if (claims.channel === channel && action !== 'publish') return true;
  const patterns = claims[action === 'history' ? 'subscribe' : action];
  if (patterns === undefined) return false;
  for (const pattern of patterns) {
    if (matches(pattern, channel, claims.clientId)) return true;
  }
  return false;
}

/**
 * Compares in place: a pattern into which the client name had been written first would take a `*`
 * or a `{sub}` inside that name for its own. `*` means "anything" at the end only; elsewhere it is a
 * character that no channel has.
 */
export function matches(pattern: string, channel: string, clientId: string): boolean {
  let at = 0;
  let index = 0;
  while (index < pattern.length) {
    const char = pattern.charCodeAt(index);
    if (char === STAR && index === pattern.length - 1) return true;
    if (char === BRACE && pattern.startsWith(CLIENT_PLACEHOLDER, index)) {
      const name = escapeName(clientId);
      if (!channel.startsWith(name, at)) return false;
      at += name.length;
      index += CLIENT_PLACEHOLDER.length;
      continue;
    }
    if (channel.charCodeAt(at) !== char) return false;
    at += 1;
    index += 1;
  }
  return at === channel.length;
}
