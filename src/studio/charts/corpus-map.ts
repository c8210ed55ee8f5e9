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
    const [dx, dy] = [middle[0] - x, middle[1] - y];
    const distance = dx * dx + dy * dy;
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
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = theme === 'dark' ? 'rgb(0 0 0 / 0.6)' : 'rgb(255 255 255 / 0.8)';
  context.fillStyle = color;
  const named = topics.filter(({ rows }) => rows.length >= leastNamed);
  const wanted = named.map(({ name, middle }) => {
    const [x, y] = frame.place(...middle);
    return { name, x, y, width: context.measureText(name).width };
  });
  for (const { name, x, y } of placeNames(wanted, frame)) {
    context.strokeText(name, x, y);
    context.fillText(name, x, y);
  }
}

/** A name on the map: its middle and its width in pixels. */
export interface PlacedName {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Pixels of a line of names. */
const nameHeight = 13;
const nameGap = 4;

/** Within the map and none over another: each as near to its own place, above or below, as there is room. */
export function placeNames(
  wanted: readonly PlacedName[],
  { width, height }: Pick<MapFrame, 'width' | 'height'>,
): readonly PlacedName[] {
  const placed: PlacedName[] = [];
  const isFree = (x: number, y: number, own: number): boolean =>
    placed.every(
      (other) =>
        Math.abs(other.y - y) >= nameHeight || Math.abs(other.x - x) >= (other.width + own) / 2 + nameGap,
    );
  for (const name of wanted) {
    const half = name.width / 2 + nameGap;
    const x = Math.min(width - half, Math.max(half, name.x));
    const near = Array.from({ length: Math.ceil(height / 2) }, (_, i) => [name.y - 2 * i, name.y + 2 * i]);
    const y = near
      .flat()
      .find((each) => each >= nameHeight && each <= height - nameHeight && isFree(x, each, name.width));
    if (y !== undefined) placed.push({ ...name, x, y });
  }
  return placed;
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
