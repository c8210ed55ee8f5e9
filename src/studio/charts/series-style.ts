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

/** With more lines than styles, the colors begin again with other dashes: 25 lines differ. */
export function seriesStyle(index: number): SeriesStyle {
  const round = Math.floor(index / styles.length);
  const { color } = styles[index % styles.length] ?? { color: '--ink' };
  return { color, dash: styles[(index + round) % styles.length]?.dash ?? [] };
}
