import { capitalized } from '../../core/capitalized.ts';
import type { Scene } from '../protocol.ts';

/** Passages of one topic, as a map shows them. */
export interface Topic {
  readonly name: string;
  readonly rows: readonly number[];
  /** Their middle. */
  readonly middle: readonly [number, number];
}

/** From a map's plane to pixels. */
export interface MapFrame {
  readonly width: number;
  readonly height: number;
  place(x: number, y: number): readonly [number, number];
}

/** A topic with fewer passages gets no name on the map. */
const leastNamed = 20;
const margin = 14;

/** The corpus by topic: what stands before the first hyphen of an id. */
export function topicsOf({ ids, points }: Scene): readonly Topic[] {
  const rows = new Map<string, number[]>();
  ids.forEach((id, row) => {
    const name = id.split('-', 1)[0] ?? '';
    const known = rows.get(name);
    if (known === undefined) rows.set(name, [row]);
    else known.push(row);
  });
  return [...rows].map(([name, of]) => {
    const mean = (axis: 0 | 1): number =>
      of.reduce((sum, row) => sum + (points[2 * row + axis] as number), 0) / of.length;
    return { name: capitalized(name), rows: of, middle: [mean(0), mean(1)] };
  });
}

export function nearestTopic(
  topics: readonly Topic[],
  [x, y]: readonly [number, number],
): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const { name, middle } of topics) {
    const distance = (middle[0] - x) ** 2 + (middle[1] - y) ** 2;
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

/** So that all passages fit. */
export function mapFrame({ points }: Scene, width: number, height: number): MapFrame {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] as number, points[i + 1] as number];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const scaleX = (width - 2 * margin) / Math.max(right - left, 1e-9);
  const scaleY = (height - 2 * margin) / Math.max(bottom - top, 1e-9);
  const within = (value: number, most: number): number => Math.min(most - 6, Math.max(6, value));
  return {
    ...{ width, height },
    place: (x, y) => [
      within(margin + (x - left) * scaleX, width),
      within(margin + (y - top) * scaleY, height),
    ],
  };
}

/** One after the other around the color wheel, so that neighbors in the list differ most. */
function topicColor(index: number, isDark: boolean): string {
  return `hsl(${(index * 137.5) % 360} ${isDark ? '55% 68%' : '55% 42%'} / 0.55)`;
}

export function drawCorpus(
  canvas: HTMLCanvasElement,
  { points }: Scene,
  topics: readonly Topic[],
  frame: MapFrame,
  theme: 'light' | 'dark',
): void {
  const context = sized(canvas, frame);
  if (context === undefined) return;
  const { color, fontFamily } = getComputedStyle(canvas);
  topics.forEach(({ rows }, i) => {
    context.fillStyle = topicColor(i, theme === 'dark');
    for (const row of rows) {
      const [x, y] = frame.place(points[2 * row] as number, points[2 * row + 1] as number);
      context.fillRect(x - 1.5, y - 1.5, 3, 3);
    }
  });
  context.font = `600 11px ${fontFamily}`;
  context.textAlign = 'center';
  context.fillStyle = color;
  for (const { name, rows, middle } of topics) {
    if (rows.length < leastNamed) continue;
    const [x, y] = frame.place(...middle);
    const half = context.measureText(name).width / 2 + 4;
    context.fillText(name, Math.min(frame.width - half, Math.max(half, x)), y);
  }
}

/** The query's place, for each student: a disc for the first, a diamond for the second. */
export function drawQuery(
  canvas: HTMLCanvasElement,
  markers: readonly {
    readonly point: readonly [number, number] | undefined;
    /** A custom property. */
    readonly color: string;
  }[],
  frame: MapFrame,
  theme: 'light' | 'dark',
): void {
  const context = sized(canvas, frame);
  if (context === undefined) return;
  markers.forEach(({ point, color }, i) => {
    if (point === undefined) return;
    const [x, y] = frame.place(...point);
    context.beginPath();
    if (i % 2 === 0) {
      context.arc(x, y, 7, 0, 2 * Math.PI);
    } else {
      context.moveTo(x, y - 9);
      context.lineTo(x + 9, y);
      context.lineTo(x, y + 9);
      context.lineTo(x - 9, y);
      context.closePath();
    }
    context.fillStyle = resolved(canvas, color);
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = theme === 'dark' ? 'black' : 'white';
    context.stroke();
  });
}

/** A custom property as a color that a canvas understands. */
function resolved(canvas: HTMLCanvasElement, property: string): string {
  canvas.style.outlineColor = `var(${property})`;
  const { outlineColor } = getComputedStyle(canvas);
  canvas.style.outlineColor = '';
  return outlineColor;
}

/** The canvas in device pixels, emptied. */
function sized(canvas: HTMLCanvasElement, { width, height }: MapFrame): CanvasRenderingContext2D | undefined {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d') ?? undefined;
  context?.scale(ratio, ratio);
  return context;
}
