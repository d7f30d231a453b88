import { encodeFrame } from '@halley/shared/protocol';
import type { Wire } from '../../core/ports/wire.js';

/** The native wire over WebSocket: a frame is a message, and stored frames go out as they are. */
export const nativeWire: Wire = {
  name: 'websocket',
  encode: encodeFrame,
  encodeItem: (item) => item.frame,
  encodeNative: (frame) => frame,
};
