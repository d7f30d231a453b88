import type { AddressReader } from './addresses.js';

/** What holds for the connections of every door. */
export interface ConnectionOptions {
  /** Bytes that may wait for one connection. */
  readonly slowReaderBytes: number;
  readonly addresses: AddressReader;
}
