import {
  type ClientFrame,
  decodeClientText,
  FRAME_MAX_BYTES,
  type RefusedFrame,
  refusal,
} from '@halley/shared/protocol';

/** uWS has checked that text is UTF-8; the decoder here must only not swallow a byte order mark. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Frames of one WebSocket message. @param maxBytes of a message */
export function decodeMessage(
  bytes: ArrayBuffer,
  isBinary: boolean,
  maxBytes: number = FRAME_MAX_BYTES,
): (ClientFrame | RefusedFrame)[] {
  if (isBinary)
    return [{ type: 'refused', ...refusal('bad-frame', 'frames are text, not binary') }];
  if (bytes.byteLength > maxBytes) {
    const message = `a frame has at most ${maxBytes} bytes`;
    return [{ type: 'refused', ...refusal('frame-too-large', message) }];
  }
  return decodeClientText(decoder.decode(bytes));
}
