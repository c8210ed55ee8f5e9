import type { TokenBatch } from '../encoders/length-buckets.ts';

/** How batches are cut into micro-batches: what fixes the order of additions, and with it the bits. */
export interface MicroBatchPlan {
  /** Padded lengths, ascending, fixed for the whole training. */
  readonly lengthLadder: readonly number[];
  /** Tokens of one micro-batch at most. */
  readonly tokensPerMicroBatch: number;
  /**
   * Cost of launching a micro-batch, in tokens of work: shorter texts get a separate one if that saves more
   * padding. Without it texts of all lengths share micro-batches.
   */
  readonly launchTokens?: number | undefined;
}

/**
 * Cuts a batch into micro-batches of few static shapes: each takes the longest sequences left, as many rows as the
 * budget holds at their padded length. Only the last may be smaller (the last before a shorter length, where starting
 * one costs `launchTokens`); its rows are rounded up to a power of two.
 * @param lengths tokens of each sequence
 * @throws RangeError if a sequence is longer than the ladder
 */
export function planMicroBatches(lengths: ArrayLike<number>, plan: MicroBatchPlan): TokenBatch[] {
  const order = Array.from(lengths, (_, i) => i).sort(
    (a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b,
  );
  const padded = order.map((item) => paddedLength(lengths[item] as number, plan.lengthLadder));
  if (plan.launchTokens === undefined) return cut(order, padded, plan.tokensPerMicroBatch);
  return cheapestCut(order, padded, plan.tokensPerMicroBatch, plan.launchTokens);
}

function paddedLength(tokens: number, ladder: readonly number[]): number {
  const length = ladder.find((size) => size >= tokens);
  if (length !== undefined) return length;
  throw new RangeError(`a sequence has ${tokens} tokens, the longest micro-batch ${ladder.at(-1) ?? 0}`);
}

/** Cuts only where the padded length changes, and there where padding on would cost more than another micro-batch. */
function cheapestCut(
  order: readonly number[],
  padded: readonly number[],
  tokensPerMicroBatch: number,
  launchTokens: number,
): TokenBatch[] {
  const ends = order.flatMap((_, i) => (padded[i] === padded[i + 1] ? [] : [i + 1]));
  // best[k]: the cheapest micro-batches for what comes before the k-th of these places.
  let best: { readonly cost: number; readonly batches: readonly TokenBatch[] }[] = [{ cost: 0, batches: [] }];
  for (const [k, end] of ends.entries()) {
    const choices = best.map((before, j) => {
      const start = j === 0 ? 0 : (ends[j - 1] as number);
      const batches = cut(order.slice(start, end), padded.slice(start, end), tokensPerMicroBatch);
      const cost = batches.reduce((sum, { rows, length }) => sum + rows * length + launchTokens, before.cost);
      return { cost, batches: [...before.batches, ...batches] };
    });
    best = [...best.slice(0, k + 1), choices.reduce((a, b) => (b.cost < a.cost ? b : a))];
  }
  return [...(best.at(-1)?.batches ?? [])];
}

/** @param order sequences, the longest first. @param padded the padded length of each. */
function cut(order: readonly number[], padded: readonly number[], tokensPerMicroBatch: number): TokenBatch[] {
  const batches: TokenBatch[] = [];
  for (let start = 0; start < order.length;) {
    const length = padded[start] as number;
    const most = Math.max(1, Math.floor(tokensPerMicroBatch / length));
    const left = order.length - start;
    const rows = left < most ? Math.min(most, 2 ** (32 - Math.clz32(left - 1))) : most;
    const items = new Int32Array(rows).fill(-1);
    items.set(order.slice(start, start + rows));
    batches.push({ rows, length, items });
    start += rows;
  }
  return batches;
}

/**
 * Padded lengths up to a longest one: steps of 16 tokens, wider ones for longer texts, so that padding stays near a
 * tenth. Where each shape costs a compilation (GPUs), powers of two.
 */
export function lengthLadder(longest: number, shapesAreCheap: boolean): number[] {
  const ladder: number[] = [];
  for (let size = 16; size < longest;) {
    ladder.push(size);
    if (shapesAreCheap) size += size < 128 ? 16 : size < 256 ? 32 : 64;
    else size *= 2;
  }
  return [...ladder, longest];
}
