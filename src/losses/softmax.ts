import { exp, log } from '../core/exact-math.ts';

/**
 * Turns the logits values[from, to) into probabilities in place. Entries of −Infinity take no part and become 0;
 * at least one must be finite. Stable for logits of any size, since nothing above e⁰ is formed.
 *
 * @returns log Σ exp(logits), so that log-probability = logit − the returned value.
 */
export function softmaxInPlace(values: Float64Array, from: number, to: number): number {
  let maximum = -Infinity;
  for (let j = from; j < to; j++) {
    const logit = values[j] as number;
    if (logit > maximum) maximum = logit;
  }
  let sum = 0;
  for (let j = from; j < to; j++) {
    const term = exp((values[j] as number) - maximum);
    values[j] = term;
    sum += term;
  }
  const scale = 1 / sum;
  for (let j = from; j < to; j++) values[j] = (values[j] as number) * scale;
  return maximum + log(sum);
}
