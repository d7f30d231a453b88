/** An answer of uWebSockets.js, as far as its body goes. */
export interface PacedResponse {
  tryEnd(part: string | Uint8Array, totalBytes: number): [isTaken: boolean, isOver: boolean];
  onWritable(write: (offset: number) => boolean): unknown;
  cork(write: () => void): unknown;
}

/**
 * From so many bytes on a body is paced. Requests that a client sends one behind the other without reading
 * would otherwise fill the memory with their answers.
 */
export const PACED_MIN_BYTES = 1_024;

/**
 * Ends an answer whose head is written, no faster than the kernel takes it. Until it has ended uWS takes a
 * further request on the connection for a reason to cut it. To be called corked.
 */
export function endPaced(response: PacedResponse, body: string | Uint8Array): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const [, isOver] = response.tryEnd(bytes, bytes.byteLength);
  if (isOver) return;
  response.onWritable((offset) => {
    let isTaken = false;
    // Without a cork in here this version of uWS never writes what it has buffered.
    response.cork(() => {
      [isTaken] = response.tryEnd(bytes.subarray(offset), bytes.byteLength);
    });
    return isTaken;
  });
}
