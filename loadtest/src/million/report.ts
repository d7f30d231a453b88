/** The report of a run: a text with tables, a picture, and everything that was seen. */

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineChart } from '../chart.js';
import type { Hold } from './hold.js';
import type { MemoryRow } from './memory-row.js';
import { count, mebibytes, type Phase, seconds } from './phase.js';
import type { MillionSettings } from './settings.js';

/** Git-ignored. */
const RESULTS_FOLDER = fileURLToPath(new URL('../../results', import.meta.url));
const GIB = 1_073_741_824;

export interface MillionReport {
  readonly date: Date;
  readonly settings: MillionSettings;
  readonly reached: number;
  readonly phases: readonly Phase[];
  readonly memory: readonly MemoryRow[];
  /** A line for each kind; empty if all was well. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

/** Writes `million-<date>.{json,md,svg}`. @returns the path of the text */
export async function writeMillionReport(report: MillionReport): Promise<string> {
  const folder = report.settings.results ?? RESULTS_FOLDER;
  const name = `million-${report.date.toISOString().replaceAll(':', '-')}`;
  await mkdir(folder, { recursive: true });
  const path = (kind: string) => join(folder, `${name}.${kind}`);
  const machine = {
    cpus: cpus().map(({ model }) => model),
    kernel: release(),
    node: process.version,
  };
  await writeFile(path('json'), `${JSON.stringify({ machine, ...report }, null, 2)}\n`);
  const hasPicture = report.memory.length > 0;
  await writeFile(path('md'), textOf(report, hasPicture ? `${name}.svg` : undefined));
  if (hasPicture) await writeFile(path('svg'), pictureOf(report.memory));
  return path('md');
}

/** In Markdown that reads well as it stands. @param picture its file name */
export function textOf(report: MillionReport, picture?: string): string {
  const { reached, settings, phases, memory, faults, date } = report;
  const lines = [
    `# ${count(reached)} of ${count(settings.connections)} connections by ${settings.wire}`,
    '',
    `${date.toISOString()}, ${cpus().length} cores, ${(totalmem() / GIB).toFixed(1)} GiB, Linux ${release()}, Node ${process.version}; ${count(settings.perEdge)} connections an edge; ${seconds(report.seconds)} in all.`,
    '',
    faults.length === 0
      ? 'Nothing was lost, repeated, refused or failed.'
      : ['**Faults:**', '', ...faults.map((line) => `- ${line}`)].join('\n'),
    ...phases.flatMap((phase) => ['', `## ${phase.name}`, '', ...phaseTable(phase)]),
    ...edgesTable(phases),
    '',
    '## Memory by connections, MiB',
    '',
    ...(picture === undefined ? [] : [`![Memory by connections](${picture})`, '']),
    ...memoryTable(memory),
    '',
  ];
  return lines.join('\n');
}

function phaseTable({ rows }: Phase): string[] {
  return tableOf([['what', 'value'], ...rows.map(({ what, value }) => [what, value])]);
}

function edgesTable(phases: readonly Phase[]): string[] {
  const hold = phases.find((phase): phase is Hold => phase.name === 'hold');
  if (hold === undefined) return [];
  const rows = hold.edges.map(({ rssBytes, pssBytes, connections }, index) => [
    String(index + 1),
    count(connections),
    mebibytes(rssBytes),
    mebibytes(pssBytes),
  ]);
  return [
    '',
    '## Edges while all are held',
    '',
    ...tableOf([['edge', 'connections', 'resident', 'PSS'], ...rows]),
  ];
}

function memoryTable(memory: readonly MemoryRow[]): string[] {
  const head = ['connections', 'seconds', 'edges RSS', 'edges PSS', 'clients PSS', 'Redis', 'slab'];
  const rows = memory.map((row) => [
    count(row.connections),
    count(row.seconds),
    ...[
      row.edgesRssBytes,
      row.edgesPssBytes,
      row.clientsPssBytes,
      row.redisRssBytes,
      row.slabBytes,
      row.socketBufferBytes,
      row.availableBytes,
    ].map(inMebibytes),
    count(row.sockets),
  ]);
  return tableOf([[...head, 'socket buffers', 'available', 'TCP sockets'], ...rows]);
}

function inMebibytes(bytes: number): string {
  return mebibytes(bytes).replace(' MiB', '');
}

/** Columns of one width: a terminal shows it as well as a page. */
function tableOf(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.slice(1).map(line)];
}

export function pictureOf(memory: readonly MemoryRow[]): string {
  const before = memory[0]?.availableBytes ?? 0;
  const series = (name: string, bytesOf: (row: MemoryRow) => number) => ({
    name,
    points: memory.map((row) => [row.connections, bytesOf(row) / GIB] as const),
  });
  return lineChart({
    title: 'Memory by connections, clients on the same machine',
    x: { label: 'connections', from: 0 },
    y: { label: 'GiB', from: 0 },
    series: [
      series('edges (PSS)', (row) => row.edgesPssBytes),
      series('kernel slab', (row) => row.slabBytes),
      series('clients (PSS)', (row) => row.clientsPssBytes),
      series('Redis', (row) => row.redisRssBytes),
      series('all that is taken', (row) => Math.max(0, before - row.availableBytes)),
    ],
  });
}
