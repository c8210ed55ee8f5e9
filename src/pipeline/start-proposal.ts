/** Which of several encoders a training should start from. */
import { corrected, testPair, type UncorrectedPair } from '../metrics/compare-systems.ts';
import { formatP, formatSigned, metricTitle, type NumberStyle } from '../metrics/format.ts';

/** An encoder that can be trained here, as it is. */
export interface StartCandidate {
  readonly model: string;
  /** Of the measure that decides, by query. */
  readonly values: readonly number[];
  readonly mean: number;
  readonly passagesPerSecond: number;
}

/** A type alias, so that it is assignable to Json. */
export type StartProposal = Readonly<{
  /** The fastest encoder that is not shown to rank worse than the best one. */
  model: string;
  /** The encoder with the highest value. */
  best: string;
  bestValue: number;
  value: number;
  /** How many times as fast it is as the best one. */
  timesAsFast: number;
  /** The proposed encoder against the best one, corrected over all encoders; null where they are the same. */
  test: Readonly<{ difference: number; interval: readonly [number, number]; p: number }> | null;
  /** How many other encoders there were, and how many of them rank worse than the best one, as far as tests show. */
  others: number;
  worse: number;
}>;

/**
 * Every encoder is tested against the one with the highest value (randomization test, corrected by Holm). Of those that
 * are not shown to be worse, the fastest is proposed: the ones that a training starts from may as well be cheap.
 * @returns undefined without candidates
 */
export function proposeStart(
  candidates: readonly StartCandidate[],
  { alpha, samples }: { readonly alpha: number; readonly samples: number },
): StartProposal | undefined {
  const [best, ...others] = [...candidates].sort(
    (a, b) => b.mean - a.mean || b.passagesPerSecond - a.passagesPerSecond,
  );
  if (best === undefined) return undefined;
  const rows = [Float64Array.from(best.values)];
  const tests = corrected(
    others.map((candidate): UncorrectedPair & { readonly candidate: StartCandidate } => ({
      candidate,
      ...testPair([Float64Array.from(candidate.values)], rows, { alpha, samples }),
    })),
  );
  const level = tests.filter(({ randomizationHolmP }) => randomizationHolmP > alpha);
  const chosen = level.reduce(
    (fastest, { candidate }) =>
      candidate.passagesPerSecond > fastest.passagesPerSecond ? candidate : fastest,
    best,
  );
  const test = level.find(({ candidate }) => candidate === chosen);
  return {
    model: chosen.model,
    value: chosen.mean,
    best: best.model,
    bestValue: best.mean,
    timesAsFast: chosen.passagesPerSecond / Math.max(best.passagesPerSecond, 1e-9),
    test: test === undefined ? null : testOf(test),
    others: others.length,
    worse: tests.length - level.length,
  };
}

function testOf({
  difference,
  interval,
  randomizationHolmP: p,
}: UncorrectedPair & { readonly randomizationHolmP: number }): NonNullable<StartProposal['test']> {
  return { difference, interval, p };
}

/** The proposal and its reason in one or two sentences. */
export function proposalText(
  { model, value, best, bestValue, timesAsFast, test, others, worse }: StartProposal,
  metric: string,
  { nameOf = (name) => name, ...style }: NumberStyle & { readonly nameOf?: (model: string) => string } = {},
): string {
  const title = metricTitle(metric);
  const digits = style.digits ?? 4;
  const start = `Start from ${nameOf(model)}:`;
  if (test === null) {
    const highest = `it has the highest ${title} (${value.toFixed(digits)})`;
    if (others === 0) return `${start} it is the only encoder here that can be trained.`;
    if (worse === others) return `${start} ${highest}, and the other encoders are significantly below it.`;
    return `${start} ${highest}, and no encoder that is not significantly below it is faster.`;
  }
  const [low, high] = test.interval.map((bound) => formatSigned(bound, style));
  return (
    `${start} its ${title} (${value.toFixed(digits)}) is not significantly below the highest, ` +
    `${bestValue.toFixed(digits)} of ${nameOf(best)} (${formatSigned(test.difference, style)}, interval ${low} to ${high}, ` +
    `corrected p ${formatP(test.p)}), and it is ${timesText(timesAsFast)} as fast.`
  );
}

function timesText(times: number): string {
  return `${times < 10 ? times.toFixed(1) : Math.round(times).toLocaleString('en-US')} times`;
}
