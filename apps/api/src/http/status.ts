import type { HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';

const LINES = new Map(
  Object.entries(STATUS_CODES).map(([status, text]) => [Number(status), `${status} ${text}`]),
);

/** `201 Created` */
export function statusLine(status: number): string {
  return LINES.get(status) ?? String(status);
}

/**
 * Ends the answer to a HEAD, whose body would have so many bytes. Told anything itself, this version of
 * uWebSockets.js takes the answer for unfinished, and the next request on the connection is lost.
 */
export function endHead(response: HttpResponse, bodyBytes: number, closesSocket: boolean): void {
  response.writeHeader('content-length', String(bodyBytes));
  // The client's side of it.
  if (closesSocket) response.writeHeader('connection', 'close');
  response.endWithoutBody();
}
