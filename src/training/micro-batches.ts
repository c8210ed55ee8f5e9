import type { TokenBatch } from '../encoders/length-buckets.ts';

/**
 * Cuts a batch into micro-batches of few static shapes: each takes the longest sequences left, as many rows as the
 * budget holds at their padded length. Only the last may be smaller; its rows are rounded up to a power of two.
 * @param lengths tokens of each sequence
 * @param ladder the padded lengths there are, ascending, the same for the whole training
 * @throws RangeError if a sequence is longer than the ladder
 */
export function planMicroBatches(
  lengths: ArrayLike<number>,
  ladder: readonly number[],
  tokensPerMicroBatch: number,
): TokenBatch[] {
  const order = Array.from(lengths, (_, i) => i).sort(
    (a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b,
  );
  const batches: TokenBatch[] = [];
  for (let start = 0; start < order.length;) {
    const longest = lengths[order[start] as number] as number;
    const length = ladder.find((size) => size >= longest);
    if (length === undefined) {
      throw new RangeError(`a sequence has ${longest} tokens, the longest micro-batch ${ladder.at(-1) ?? 0}`);
    }
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
