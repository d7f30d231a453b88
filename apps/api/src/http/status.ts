import { STATUS_CODES } from 'node:http';

const LINES = new Map(
  Object.entries(STATUS_CODES).map(([status, text]) => [Number(status), `${status} ${text}`]),
);

/** `201 Created` */
export function statusLine(status: number): string {
  return LINES.get(status) ?? String(status);
}
