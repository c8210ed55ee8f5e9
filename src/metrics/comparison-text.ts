/** Comparisons in words and as rows of a table, alike on the command line, in reports and on the page. */
import { verdictOf, type ComparisonTable, type PairResult } from './compare-systems.ts';
import { formatP, formatSigned, metricTitle, type NumberStyle } from './format.ts';

/** How systems are called and numbers are written. */
export interface Wording extends NumberStyle {
  readonly nameOf?: (system: string) => string;
}

/** One comparison in a sentence: the corrected test decides, the interval shows the uncertainty of the size. */
export function conclusion(
  pair: PairResult,
  { alpha, queries }: { readonly alpha: number; readonly queries: number },
  { nameOf = (system) => system, ...style }: Wording = {},
): string {
  const { metric, difference, interval, wins, losses, randomizationHolmP, smallestDetectable } = pair;
  const [system, baseline] = [nameOf(pair.system), nameOf(pair.baseline)];
  const [low, high] = interval;
  const title = metricTitle(metric);
  const verdict = verdictOf(pair, alpha);
  if (verdict === 'equal') return `${title}: ${system} and ${baseline} are equal on every query.`;
  const evidence =
    `${formatSigned(difference, style)} (${intervalName(alpha)} ${formatSigned(low, style)} to ${formatSigned(high, style)}, ` +
    `corrected p ${formatP(randomizationHolmP)}; better on ${wins} and worse on ${losses} of ${queries} queries).`;
  if (verdict !== 'open') return `${title}: ${system} is ${verdict} than ${baseline}, ${evidence}`;
  if (low > 0 || high < 0) {
    return (
      `${title}: ${system} may be ${difference > 0 ? 'better' : 'worse'} than ${baseline}, ${evidence} The interval ` +
      'excludes 0, but the test is not significant after the correction for several comparisons.'
    );
  }
  return (
    `${title}: no difference shown between ${system} and ${baseline}, ${evidence} A true difference below ` +
    `${smallestDetectable.toFixed(style.digits ?? 4)} had less than an 80% chance of being detected.`
  );
}

/** A sentence for each comparison on the first measure. */
export function conclusions(
  { comparisons, queries }: ComparisonTable,
  alpha: number,
  wording?: Wording,
): readonly string[] {
  return comparisons
    .filter(({ metric }) => metric === comparisons[0]?.metric)
    .map((pair) => conclusion(pair, { alpha, queries }, wording));
}

/** The tests as rows of cells, with a header; the first three columns are words. */
export function comparisonRows(
  { comparisons }: Pick<ComparisonTable, 'comparisons'>,
  alpha: number,
): readonly (readonly string[])[] {
  return [
    [
      ...['system', 'against', 'measure', 'difference', intervalName(alpha), 'p (randomization, Holm)'],
      ...['p (t, Holm)', 'wins/ties/losses', 'detectable'],
    ],
    ...comparisons.map((pair) => [
      pair.system,
      pair.baseline,
      metricTitle(pair.metric),
      formatSigned(pair.difference),
      `[${pair.interval.map((bound) => formatSigned(bound)).join(', ')}]`,
      formatP(pair.randomizationHolmP),
      formatP(pair.tTestHolmP),
      `${pair.wins}/${pair.ties}/${pair.losses}`,
      pair.smallestDetectable.toFixed(4),
    ]),
  ];
}

/** `95% interval` */
export function intervalName(alpha: number): string {
  return `${Number((100 * (1 - alpha)).toPrecision(4))}% interval`;
}
