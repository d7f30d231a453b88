import { inScript } from '@halley/shared/protocol';
import type { ObjectText } from './encode.js';

/** How objects are wrapped on one of the paths. */
export interface Framing {
  readonly name: string;
  readonly contentType: string;
  /** Sent before the first object. */
  readonly preamble: string;
  frame(object: ObjectText): string;
}

export const streamFraming: Framing = {
  name: 'icomet-stream',
  contentType: 'application/json; charset=utf-8',
  preamble: '',
  frame: (object) => `${object}\n`,
};

export const sseFraming: Framing = {
  name: 'icomet-sse',
  contentType: 'text/event-stream; charset=utf-8',
  // With it the head goes out, and the browser knows that it is connected.
  preamble: ':\n\n',
  frame: (object) => `data: ${object}\n\n`,
};

const IFRAME_HEAD = [
  '<!DOCTYPE html>',
  '<html><head><meta charset="utf-8">',
  '<meta http-equiv="Cache-Control" content="no-store">',
  '<script>',
  // Page and frame meet in their common parent domain, where they differ and the browser still allows it.
  'try{void parent.document}catch(e){',
  'try{document.domain=location.hostname.split(".").slice(-2).join(".")}catch(e){}}',
  '</script></head><body>',
  // Browsers show, and run, nothing before this many bytes.
  `<!--${' '.repeat(1_024)}-->`,
  '',
].join('\n');

export const iframeFraming: Framing = {
  name: 'icomet-iframe',
  contentType: 'text/html; charset=utf-8',
  preamble: IFRAME_HEAD,
  frame: (object) => `<script>parent.icomet_cb(${inScript(object)});</script>\n`,
};
