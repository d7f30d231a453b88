/** The backend that a namespace asks about rights. */

import { isIP } from 'node:net';
import { isReachable } from '../ops/reachable.js';
import type { NamespaceOptions } from './namespaces.js';

export const AUTHORIZE_URL_MAX_CHARS = 1_000;

type AskingOptions = Pick<
  NamespaceOptions,
  'authorizeUrl' | 'subscribe' | 'publish' | 'history' | 'presence'
>;

const ACTIONS = ['subscribe', 'publish', 'history', 'presence'] as const;

/** Each completes a sentence that names its namespace. Nothing of the address is repeated: it may hold a secret. */
export function authorizeUrlProblems(options: AskingOptions): string[] {
  const { authorizeUrl } = options;
  if (authorizeUrl === undefined) return [];
  const problems: string[] = [];
  if (!URL.canParse(authorizeUrl) || !isWeb(new URL(authorizeUrl))) {
    problems.push('authorizeUrl must be an http or https address');
  } else problems.push(...addressProblems(new URL(authorizeUrl)));
  if (ACTIONS.every((action) => (options[action] ?? 'token') !== 'token')) {
    problems.push('authorizeUrl needs a right that is token: all others are decided without it');
  }
  return problems;
}

function isWeb({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** A name is looked at again each time that it was resolved. */
function addressProblems({ hostname, username, password, hash }: URL): string[] {
  const problems: string[] = [];
  if (username !== '' || password !== '') {
    problems.push('authorizeUrl must hold no user and password: questions are signed');
  }
  if (hash !== '') problems.push('authorizeUrl must hold no #');
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !isReachable(address)) {
    problems.push('authorizeUrl must not be a link-local, metadata, multicast or wildcard address');
  }
  return problems;
}
