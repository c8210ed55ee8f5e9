import type { Graph, Tensor } from '../graph/expression.ts';
import { reshape } from '../graph/ops/broadcasting.ts';
import { add } from '../graph/ops/elementwise.ts';
import { embeddingGradient, gather, scatterRows } from '../graph/ops/indexing.ts';
import { concat } from '../graph/ops/shape.ts';
import type { DataType } from '../core/tensor-size.ts';
import type { TensorData } from '../host/contract.ts';

/**
 * The gradient of the word embeddings on a device: each row is the sum over the tokens of its id, in an order of
 * additions that does not depend on threads, by work that grows with the tokens and not with their square.
 *
 * The host sorts the tokens by id and cuts them into blocks. Within a block a one-hot product sums the tokens of each
 * id; an id that continues in the next block has one sum in each, and another, small product adds these.
 */

/** Tokens of a block: a matrix product of a size that suits a device. */
const blockSize = 64;

interface Sizes {
  /** Tokens of a block, and blocks. */
  readonly block: number;
  readonly blocks: number;
  /** Distinct ids at most: rows of the table that change. */
  readonly distinct: number;
  /** Sums of blocks at most that belong to ids of several blocks: two for each place where a block ends. */
  readonly partial: number;
}

function sizesFor(tokens: number, vocabulary: number): Sizes {
  const block = Math.min(blockSize, tokens);
  const blocks = Math.ceil(tokens / block);
  return { block, blocks, distinct: Math.min(tokens, vocabulary), partial: 2 * blocks };
}

/**
 * Adds ∂L/∂(rows of the tokens) to the table's gradient so far. The graph gets the inputs that {@link wordInputs} makes.
 * @param gradient [tokens, width]
 * @param earlier [vocabulary, width]
 */
export function addWordGradient(graph: Graph, gradient: Tensor, earlier: Tensor): Tensor {
  const [tokens, width] = gradient.shape as readonly [number, number];
  const sizes = sizesFor(tokens, earlier.shape[0] as number);
  const { block, blocks, distinct, partial } = sizes;
  const counting = (length: number): Tensor =>
    graph.constant({ shape: [length], data: Float64Array.from({ length }, (_, i) => i) }, 'int32');

  const sorted = gather(gradient, graph.input('words.order', [blocks * block], 'int32'));
  const sums = embeddingGradient(
    reshape(sorted, [blocks, block, width]),
    graph.input('words.places', [blocks, block], 'int32'),
    counting(block),
  );
  const ofBlocks = reshape(sums, [blocks * block, width]);
  const parts = gather(ofBlocks, graph.input('words.parts', [partial], 'int32'));
  const joined = embeddingGradient(parts, graph.input('words.wholes', [partial], 'int32'), counting(blocks));
  const rows = gather(concat([ofBlocks, joined], 0), graph.input('words.sums', [distinct], 'int32'));
  const current = gather(earlier, graph.input('words.ids', [distinct], 'int32'));
  return scatterRows(earlier, graph.input('words.rows', [distinct, 1], 'int64'), add(current, rows));
}

export interface WordInput {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Inputs of a graph with {@link addWordGradient} for these tokens. */
export function wordInputs(tokens: Int32Array, vocabulary: number): Record<string, WordInput> {
  const { block, blocks, distinct, partial } = sizesFor(tokens.length, vocabulary);
  const order = Int32Array.from(tokens.keys()).sort((a, b) => at(tokens, a) - at(tokens, b) || a - b);
  // Without a token: a place that the products ignore.
  const places = new Int32Array(blocks * block).fill(-1);
  const parts = new Int32Array(partial);
  const wholes = new Int32Array(partial).fill(-1);
  const sums = new Int32Array(distinct);
  const ids = new Int32Array(distinct);
  const known = new Set<number>();
  let taken = 0;
  let joined = 0;
  for (let start = 0; start < order.length;) {
    const id = at(tokens, at(order, start));
    let end = start + 1;
    while (end < order.length && at(tokens, at(order, end)) === id) end++;
    const [first, last] = [Math.floor(start / block), Math.floor((end - 1) / block)];
    // The place within a block is that of the first occurrence of the id.
    for (let i = start; i < end; i++) places[i] = Math.max(start, i - (i % block)) % block;
    if (first === last) sums[known.size] = start;
    else {
      for (let b = first; b <= last; b++, taken++) {
        parts[taken] = Math.max(start, b * block);
        wholes[taken] = joined;
      }
      sums[known.size] = blocks * block + joined++;
    }
    ids[known.size] = id;
    known.add(id);
    start = end;
  }
  // Further ids fill the list up. There is a block more than places where one ends: the last row of `joined` is zero.
  for (let id = 0, next = known.size; next < distinct; id++) {
    if (known.has(id)) continue;
    ids[next] = id;
    sums[next++] = blocks * block + blocks - 1;
  }
  const padded = new Int32Array(blocks * block);
  padded.set(order);
  const int32 = (dims: readonly number[], data: Int32Array<ArrayBuffer>): WordInput => ({
    dataType: 'int32',
    dims,
    data,
  });
  return {
    'words.order': int32([blocks * block], padded),
    'words.places': int32([blocks, block], places),
    'words.parts': int32([partial], parts),
    'words.wholes': int32([partial], wholes),
    'words.sums': int32([distinct], sums),
    'words.ids': int32([distinct], ids),
    'words.rows': { dataType: 'int64', dims: [distinct, 1], data: BigInt64Array.from(ids, BigInt) },
  };
}

function at(values: Int32Array, index: number): number {
  return values[index] as number;
}
