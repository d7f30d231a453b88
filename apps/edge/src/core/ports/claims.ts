import type { Position } from '@halley/shared/protocol';

/** Private messages that only one connection may have, on whatever edge it is. */
export interface QueueClaims {
  /**
   * Acknowledges a message, and with it all before it.
   * @returns false where that had been done: somebody else has it
   * @throws RefusedError `unavailable` where it cannot be said
   */
  claim(clientId: string, position: Position): Promise<boolean>;
}
