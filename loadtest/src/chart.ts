/** Line charts as SVG text, readable on light and dark pages: a picture has no say in where it is shown. */

import { type Axis, formatNumber, type Scale, scaleOf } from './axis.js';

export interface Series {
  readonly name: string;
  /** x and y, in the order in which they are joined. */
  readonly points: readonly (readonly [number, number])[];
}

export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** As many as there are colours: 6. */
  readonly series: readonly Series[];
}

interface Plot {
  readonly x: Scale;
  readonly y: Scale;
  at(point: readonly [number, number]): string[];
}

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 76;
const RIGHT = WIDTH - 32;
const TOP = 116;
const BOTTOM = HEIGHT - 62;
const MARGIN = 28;
/** Of the legend's type, which nobody can measure before it is drawn. */
const CHARACTER_WIDTH = 7.2;
const LEGEND_MARK_WIDTH = 26;
const LEGEND_GAP = 26;
/** More would be a row of blots. */
const MARKED_POINTS_MAX = 40;

/** Told apart without red and green; each with its brother for dark pages. */
const COLOURS = [
  ['#2563eb', '#60a5fa'],
  ['#d97706', '#fbbf24'],
  ['#0f766e', '#2dd4bf'],
  ['#be185d', '#f472b6'],
  ['#6d28d9', '#a78bfa'],
  ['#57534e', '#a8a29e'],
] as const;

const STYLE = [
  'text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#334155}',
  '.title{font-size:18px;font-weight:600;fill:#0f172a}',
  '.tick{font-size:12px;fill:#64748b;font-variant-numeric:tabular-nums}',
  '.card{fill:#fff;stroke:#e2e8f0}.grid{stroke:#e9eef4}.axis{stroke:#94a3b8}',
  'polyline{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}',
  'circle{stroke-width:1.5;stroke:#fff}',
  ...COLOURS.map(([light], index) => colourRule(index, light)),
  '@media(prefers-color-scheme:dark){text{fill:#cbd5e1}.title{fill:#f1f5f9}.tick{fill:#94a3b8}',
  '.card{fill:#0f172a;stroke:#1e293b}.grid{stroke:#1e293b}.axis{stroke:#64748b}circle{stroke:#0f172a}',
  ...COLOURS.map(([, dark], index) => colourRule(index, dark)),
  '}',
].join('');

/** @throws Error for values that an axis has no place for, none at all, or more series than colours */
export function lineChart({ title, x, y, series }: LineChart): string {
  if (series.length > COLOURS.length) {
    throw new Error(`${title}: ${series.length} series, at most ${COLOURS.length}`);
  }
  const points = series.flatMap((one) => one.points);
  const plot = plotOf(
    scaleOf(
      x,
      points.map((point) => point[0]),
    ),
    scaleOf(
      y,
      points.map((point) => point[1]),
    ),
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeMarkup(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="card" x=".5" y=".5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="12"/>`,
    text(MARGIN, 40, title, 'class="title"'),
    ...legend(series),
    ...verticalAxis(plot, y.label),
    ...horizontalAxis(plot, x.label),
    ...series.map((one, index) => line(plot, one, index)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function plotOf(x: Scale, y: Scale): Plot {
  return {
    x,
    y,
    at: ([right, up]) => [
      pixel(LEFT + x.share(right) * (RIGHT - LEFT)),
      pixel(BOTTOM - y.share(up) * (BOTTOM - TOP)),
    ],
  };
}

function legend(series: readonly Series[]): string[] {
  let left = MARGIN;
  return series.map(({ name }, index) => {
    const start = left;
    left += LEGEND_MARK_WIDTH + name.length * CHARACTER_WIDTH + LEGEND_GAP;
    const mark = `<polyline class="line${index}" points="${start},64 ${start + 18},64"/>`;
    return mark + text(start + LEGEND_MARK_WIDTH, 68.5, name);
  });
}

function verticalAxis({ y }: Plot, label: string): string[] {
  const ticks = y.ticks.map((tick) => {
    const at = pixel(BOTTOM - y.share(tick) * (BOTTOM - TOP));
    const grid = `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>`;
    const place = `class="tick" text-anchor="end"`;
    return grid + text(LEFT - 12, Number(at) + 4, formatNumber(tick), place);
  });
  return [...ticks, text(MARGIN, TOP - 18, label)];
}

function horizontalAxis({ x }: Plot, label: string): string[] {
  const ticks = x.ticks.map((tick) => {
    const at = pixel(LEFT + x.share(tick) * (RIGHT - LEFT));
    const mark = `<line class="axis" x1="${at}" x2="${at}" y1="${BOTTOM}" y2="${BOTTOM + 5}"/>`;
    const place = `class="tick" text-anchor="middle"`;
    return mark + text(Number(at), BOTTOM + 21, formatNumber(tick), place);
  });
  const axis = `<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${BOTTOM}" y2="${BOTTOM}"/>`;
  return [axis, ...ticks, text((LEFT + RIGHT) / 2, HEIGHT - 18, label, 'text-anchor="middle"')];
}

function line(plot: Plot, { name, points }: Series, index: number): string {
  const joined = points.map((point) => plot.at(point).join(',')).join(' ');
  const curve = `<polyline class="line${index}" points="${joined}"/>`;
  if (points.length > MARKED_POINTS_MAX) return curve;
  const dots = points.map((point) => {
    const [left, top] = plot.at(point);
    const tip = `${name}: ${point.map(formatNumber).join(', ')}`;
    return `<circle class="dot${index}" cx="${left}" cy="${top}" r="4.5"><title>${escapeMarkup(tip)}</title></circle>`;
  });
  return [curve, ...dots].join('\n');
}

function colourRule(index: number, colour: string): string {
  return `.line${index}{stroke:${colour}}.dot${index}{fill:${colour}}`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${pixel(x)}" y="${pixel(y)}" ${attributes}>${escapeMarkup(content)}</text>`;
}

/** A tenth of a pixel is finer than anybody sees. */
function pixel(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escapeMarkup(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
