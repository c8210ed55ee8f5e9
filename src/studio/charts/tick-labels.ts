import { decimalExponent } from '../../core/exact-math.ts';

/** Ticks of an axis with as many digits as tell neighbors apart, one at least. */
export function tickLabels(ticks: readonly number[]): string[] {
  const gaps = ticks.slice(1).map((tick, i) => tick - (ticks[i] ?? tick));
  const smallest = Math.min(...gaps.filter((gap) => gap > 0), 1);
  // A gap of 0.005 needs its own digit; what a sum of tenths leaves over does not.
  const digits = Math.min(6, Math.max(1, -decimalExponent(smallest * (1 + 1e-6))));
  return ticks.map((tick) => tick.toFixed(digits));
}
