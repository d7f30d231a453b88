import { randomBytes } from 'node:crypto';
import { inScript } from '@halley/shared/protocol';
import type { Headers } from '../../core/ports/http.js';
import type { HandshakeOptions } from '../native/handshake.js';
import type { ObjectText } from './encode.js';

/** How objects are wrapped on one of the paths. */
export interface Framing {
  readonly name: string;
  /** The type of the answer, and what else stands in its head for the sake of the type. */
  readonly headers: Headers;
  /** Sent before the first object. */
  readonly preamble: string;
  frame(object: ObjectText): string;
}

export const streamFraming: Framing = {
  name: 'icomet-stream',
  headers: [['Content-Type', 'application/json; charset=utf-8']],
  preamble: '',
  frame: (object) => `${object}\n`,
};

export const sseFraming: Framing = {
  name: 'icomet-sse',
  headers: [['Content-Type', 'text/event-stream; charset=utf-8']],
  // With it the head goes out, and the browser knows that it is connected.
  preamble: ':\n\n',
  frame: (object) => `data: ${object}\n\n`,
};

const NONCE_BYTES = 16;

/**
 * Messages are scripts here, encoded once for all readers, so the nonce is drawn once for a process. It keeps
 * out a script that came in with a message; what could read the nonce first is on the reader's side already.
 */
export function iframeFraming(origins: HandshakeOptions['origins']): Framing {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  const script = `<script nonce="${nonce}">`;
  return {
    name: 'icomet-iframe',
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', policyOf(nonce, origins)],
      // A token may stand in the address.
      ['Referrer-Policy', 'no-referrer'],
    ],
    preamble: headOf(script),
    frame: (object) => `${script}parent.icomet_cb(${inScript(object)});</script>\n`,
  };
}

/** Whoever may connect may frame it. */
function policyOf(nonce: string, origins: HandshakeOptions['origins']): string {
  const framers = origins === 'same-host' ? "'self'" : [...origins].join(' ');
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${framers === '' ? "'none'" : framers}`,
  ].join('; ');
}

function headOf(script: string): string {
  return [
    '<!DOCTYPE html>',
    '<html><head><meta charset="utf-8">',
    '<meta http-equiv="Cache-Control" content="no-store">',
    script,
    // Page and frame meet in their common parent domain, where they differ and the browser still allows it.
    'try{void parent.document}catch(e){',
    'try{document.domain=location.hostname.split(".").slice(-2).join(".")}catch(e){}}',
    '</script></head><body>',
    // Browsers show, and run, nothing before this many bytes.
    `<!--${' '.repeat(1_024)}-->`,
    '',
  ].join('\n');
}
