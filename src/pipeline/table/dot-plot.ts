import { decimalExponent, powerOfTen } from '../../core/exact-math.ts';
import { metricTitle } from '../../metrics/format.ts';
import type { CellValue, ResultsTable } from './results-table.ts';
import { own } from '../../core/own.ts';

/** Lengths in units of the picture. */
const rowHeight = 22;
const panelWidth = 260;
const gap = 28;
const top = 54;
const bottom = 60;
const margin = 16;
const characterWidth = 7;
const longestName = 40;
const caption = 'Large dots: means. Lines: intervals over queries and seeds. Small dots: single seeds.';
/** Short enough for the title of a panel. */
const panelQueries = { people: 'queries', model: 'queries by a model', extract: 'cut-out queries' } as const;
const fullDot = 4.5;
const seedDot = 2;

const ink = '#1c2733';
const faint = '#c9d1d9';
const accent = '#0b61a4';

/**
 * One measure of a table as a picture (SVG): a panel for each data set, a row for each system, a dot for the mean with
 * its interval over queries and seeds, and a small dot for each seed. Texts are escaped.
 */
export function dotPlot({ sets, measures }: ResultsTable, measure = measures[0]?.measure ?? ''): string {
  const rows = measures.find((each) => each.measure === measure)?.rows ?? [];
  const names = rows.map(({ system }) => shortened(system));
  const left = margin + characterWidth * Math.max(8, ...names.map(({ length }) => length));
  const height = top + rows.length * rowHeight + bottom;
  const width = Math.max(
    left + sets.length * (panelWidth + gap),
    2 * margin + characterWidth * caption.length,
  );
  const parts = [
    label(margin, 20, metricTitle(measure), { weight: 600 }),
    label(margin, height - 12, caption, {}),
    ...names.map((name, row) => label(left - 10, rowAt(row) + 4, name, { anchor: 'end' })),
    ...sets.flatMap(({ name, queries, queriesBy }, set) =>
      panel(
        `${shortened(name)} (${queries} ${panelQueries[queriesBy ?? 'people']})`,
        left + set * (panelWidth + gap),
        rows.flatMap(({ cells }) => cells[set] ?? []),
      ),
    ),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${height}" width="${round(width)}" ` +
    `height="${height}" role="img" aria-label="${escaped(`${metricTitle(measure)} by system and data set`)}" ` +
    `font-family="system-ui, sans-serif" font-size="12">\n` +
    `<rect width="100%" height="100%" fill="#ffffff"/>\n${parts.join('\n')}\n</svg>\n`
  );
}

function panel(title: string, x: number, cells: readonly CellValue[]): string[] {
  const values = cells.flatMap(({ interval, perSeed, mean }) => [...interval, ...perSeed, mean]);
  const { low, high, ticks } = axis(Math.min(...values), Math.max(...values));
  const at = (value: number): number => x + ((value - low) / (high - low)) * panelWidth;
  const end = top + cells.length * rowHeight;
  return [
    label(x, top - 12, title, {}),
    ...ticks.flatMap((tick) => [
      line(at(tick), top, at(tick), end, faint, 1),
      label(at(tick), end + 16, tick.toFixed(decimalsOf(ticks)), { anchor: 'middle' }),
    ]),
    ...cells.flatMap(({ interval, mean, perSeed }, row) => [
      line(at(interval[0]), rowAt(row), at(interval[1]), rowAt(row), accent, 1.5),
      ...(perSeed.length > 1 ? perSeed.map((value) => dot(at(value), rowAt(row), seedDot, ink)) : []),
      dot(at(mean), rowAt(row), fullDot, accent),
    ]),
  ];
}

function rowAt(row: number): number {
  return top + (row + 0.5) * rowHeight;
}

/** An axis around the values with three to seven round ticks. */
function axis(
  least: number,
  most: number,
): { readonly low: number; readonly high: number; readonly ticks: readonly number[] } {
  const span = Math.max(most - least, 1e-3);
  const power = powerOfTen(decimalExponent(span / 3));
  const step = power * ([1, 2, 5, 10].find((each) => span / (each * power) <= 5) ?? 10);
  const first = Math.floor(least / step);
  const last = Math.max(first + 1, Math.ceil(most / step));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { low: first * step, high: last * step, ticks };
}

function decimalsOf([a = 0, b = 1]: readonly number[]): number {
  return Math.max(0, -decimalExponent((b - a) * (1 + 1e-9)));
}

function shortened(text: string): string {
  return text.length <= longestName ? text : `${text.slice(0, longestName - 1)}…`;
}

function label(
  x: number,
  y: number,
  text: string,
  {
    anchor = 'start',
    weight = 400,
  }: { readonly anchor?: 'start' | 'middle' | 'end'; readonly weight?: number },
): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${ink}" text-anchor="${anchor}" font-weight="${weight}">${escaped(text)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, color: string, width: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${color}" stroke-width="${width}"/>`;
}

function dot(x: number, y: number, radius: number, color: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${color}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Text that is neither markup nor the end of an attribute; what XML does not allow at all is left out. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text
    .replace(/[^\t -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"']/g, (sign) => own(entities, sign) ?? '');
}
