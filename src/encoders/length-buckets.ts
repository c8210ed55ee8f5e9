/**
 * Groups sequences by length. Graphs have static shapes and each shape is a session of its own, so the sequences of
 * a batch are padded to one of a few lengths, and the batch to the row count of that length.
 */

/** One batch of a static shape. */
export interface TokenBatch {
  /** Rows of the shape, padding rows included. */
  readonly rows: number;
  /** Tokens per row, padding included. */
  readonly length: number;
  /** The sequence of each row, -1 in padding rows, which come last. */
  readonly items: Int32Array<ArrayBuffer>;
}

export interface BucketPlan {
  /** Longest first: what does not fit into memory fails at once, and the time left is not underestimated. */
  readonly batches: readonly TokenBatch[];
  /** The distinct shapes, longest first. */
  readonly shapes: readonly { readonly rows: number; readonly length: number }[];
}

export interface BatchLimits {
  /** rows × length of a batch stays at or below this, but a batch has at least one row. */
  readonly tokensPerBatch: number;
  /** Rows of a batch at most. */
  readonly maxBatch: number;
  /** Makes the batches of a length alike in rows, so that the last one is hardly padded; else full but for it. */
  readonly evenBatches?: boolean;
}

export interface BucketChoice extends BatchLimits {
  /** How many lengths, so how many shapes, at most. Default 6. */
  readonly maxBuckets?: number;
  /** Lengths are rounded up to multiples of this. Default 8. */
  readonly multiple?: number;
  /** Rounding up stops here: the positions that the model has. */
  readonly maxLength?: number;
}

export interface BucketOptions extends BucketChoice {
  /**
   * The padded lengths, e.g. chosen once for a whole training by {@link chooseBucketSizes}. Every batch of a length
   * then has the same number of rows. Without them, lengths and row counts are fitted to these sequences.
   */
  readonly bucketSizes?: readonly number[];
}

/**
 * Puts each sequence into exactly one batch. The same lengths and options give the same plan; within a length,
 * sequences stay in order.
 * @param lengths Tokens per sequence, special tokens included.
 * @throws RangeError if a sequence is longer than every bucket.
 */
export function planBuckets(lengths: ArrayLike<number>, options: BucketOptions): BucketPlan {
  const sizes = [...(options.bucketSizes ?? chooseBucketSizes(lengths, options))].sort((a, b) => a - b);
  const members = sizes.map((): number[] => []);
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number;
    const bucket = members[lowerBound(sizes, length)];
    if (!bucket) {
      throw new RangeError(`sequence ${i} has ${length} tokens, the longest bucket ${sizes.at(-1) ?? 0}`);
    }
    bucket.push(i);
  }

  const batches: TokenBatch[] = [];
  const shapes: { rows: number; length: number }[] = [];
  for (let bucket = sizes.length - 1; bucket >= 0; bucket--) {
    const length = sizes[bucket] as number;
    const items = members[bucket] as number[];
    if (items.length === 0) continue;
    const most = rowLimit(length, options);
    const rows = options.bucketSizes ? most : rowsOf(items.length, length, options);
    shapes.push({ rows, length });
    for (let start = 0; start < items.length; start += rows) {
      const batch = new Int32Array(rows).fill(-1);
      batch.set(items.slice(start, start + rows));
      batches.push({ rows, length, items: batch });
    }
  }
  return { batches, shapes };
}

/**
 * The padded lengths that need the fewest tokens for these sequences, padding rows included: exact, by dynamic
 * programming over the rounded lengths.
 * @returns At most `maxBuckets` lengths, ascending; the last one holds the longest sequence.
 */
export function chooseBucketSizes(lengths: ArrayLike<number>, options: BucketChoice): number[] {
  const multiple = options.multiple ?? 8;
  const longest = options.maxLength ?? Infinity;
  const counts = new Map<number, number>();
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number;
    const rounded = Math.max(length, Math.min(Math.ceil(length / multiple) * multiple, longest));
    counts.set(rounded, (counts.get(rounded) ?? 0) + 1);
  }
  const candidates = [...counts.keys()].sort((a, b) => a - b);
  const n = candidates.length;
  // sequences[i]: how many have one of the first i candidate lengths.
  const sequences = [0];
  for (const length of candidates)
    sequences.push((sequences.at(-1) as number) + (counts.get(length) as number));

  const cost = (first: number, last: number): number => {
    const length = candidates[last - 1] as number;
    const items = (sequences[last] as number) - (sequences[first] as number);
    const rows = rowsOf(items, length, options);
    return Math.ceil(items / rows) * rows * length;
  };
  // best[i]: the fewest tokens for the first i candidate lengths in the buckets so far; cuts[k][i]: where the last starts.
  let best = Array.from({ length: n + 1 }, (_, i) => (i === 0 ? 0 : Infinity));
  const cuts: number[][] = [];
  const history: number[] = [];
  for (let bucket = 0; bucket < Math.min(options.maxBuckets ?? 6, n); bucket++) {
    const next = new Array<number>(n + 1).fill(Infinity);
    const cut = new Array<number>(n + 1).fill(0);
    for (let last = 1; last <= n; last++) {
      for (let first = 0; first < last; first++) {
        if (best[first] === Infinity) continue;
        const total = (best[first] as number) + cost(first, last);
        if (total < (next[last] as number)) {
          next[last] = total;
          cut[last] = first;
        }
      }
    }
    best = next;
    cuts.push(cut);
    history.push(best[n] as number);
  }

  const sizes: number[] = [];
  // The fewest buckets among the best: each shape costs a session.
  let bucket = history.indexOf(Math.min(...history));
  for (let last = n; last > 0; last = (cuts[bucket--] as number[])[last] as number) {
    sizes.unshift(candidates[last - 1] as number);
  }
  return sizes;
}

function rowLimit(length: number, limits: BatchLimits): number {
  return Math.max(1, Math.min(limits.maxBatch, Math.floor(limits.tokensPerBatch / length)));
}

/** Rows of each batch, for this number of sequences of a length. */
function rowsOf(items: number, length: number, limits: BatchLimits): number {
  const most = rowLimit(length, limits);
  return limits.evenBatches === true ? Math.ceil(items / Math.ceil(items / most)) : Math.min(most, items);
}

/** The first position whose value is at least `wanted`. */
function lowerBound(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
