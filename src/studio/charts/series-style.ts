/** How the n-th line of a chart looks: told apart by its dashes as well as by its color. */
export interface SeriesStyle {
  /** A custom property of studio.css. */
  readonly color: string;
  /** As canvas and SVG take it; empty for a solid line. */
  readonly dash: readonly number[];
}

const styles: readonly SeriesStyle[] = [
  { color: '--series-1', dash: [] },
  { color: '--series-2', dash: [7, 4] },
  { color: '--series-3', dash: [2, 3] },
  { color: '--series-4', dash: [10, 3, 2, 3] },
  { color: '--series-5', dash: [4, 2] },
];

export function seriesStyle(index: number): SeriesStyle {
  return styles[index % styles.length] ?? { color: '--ink', dash: [] };
}
