/** What a figure is: something of ours that no bare part could do, measured alone. */

import type { BenchSettings } from '../settings.js';

export interface FigureRow {
  readonly what: string;
  /** With its unit. */
  readonly value: string;
}

export interface FigureResult {
  readonly rows: readonly FigureRow[];
  /** Everything that was seen, for the file of results. */
  readonly detail: unknown;
}

export interface Figure {
  readonly name: string;
  /** Starts and stops all that it needs. @throws Error if a message was lost, repeated or reordered */
  measure(settings: BenchSettings): Promise<FigureResult>;
}

export function formatRows(rows: readonly FigureRow[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows.map(({ what, value }) => `${what.padEnd(width)}  ${value}`).join('\n');
}

/** Three digits, as many as such times are worth. */
export function milliseconds(value: number): string {
  return `${Math.round(value).toLocaleString('en-US')} ms`;
}
