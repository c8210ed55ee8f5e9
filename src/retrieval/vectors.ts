import type { WorkerPool } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { tieBreakingOrder } from './document-order.ts';
import type { RankedDocument } from './ranking.ts';
import type { SearchRequest, SearchResponse } from './search-protocol.ts';
import { runSearchTask } from './search-task.ts';
import type { ScoredItems } from './top-k.ts';
import { TopK } from './top-k.ts';

/** Queries that pass over the vectors together; bounds the memory of a search. */
const BATCH_QUERIES = 256;

/** Products of such values, summed over any number of dimensions, stay within float32. */
const LARGEST_VALUE = 1e15;

interface Shard {
  readonly firstRow: number;
  /** [rows, dimensions]; empty while a worker that cannot share memory has them. */
  vectors: Float32Array;
}

/**
 * Exact search by dot product over all vectors of a corpus. The result is the same, bit for bit, with any number of
 * workers and however the queries are batched.
 *
 * Memory: its own copy of the vectors; workers share it, or, where the page may not share memory, hold it in turns.
 */
export class VectorIndex {
  readonly dimensions: number;
  /** In tie-breaking order: row r is the vector of ids[r]. */
  readonly #ids: readonly string[];
  readonly #pool: WorkerPool | undefined;
  readonly #shards: readonly Shard[];
  readonly #shared: boolean;
  /** The last search, where searches have to wait for each other. */
  #previous: Promise<unknown> = Promise.resolve();
  #lost: unknown;

  /**
   * @param ids one for each vector
   * @param vectors [ids.length, dimensions]; copied
   * @param pool runs `workers/search.ts`; without one the search runs where it is called
   * @throws InputError if an id occurs twice, or a vector has a value that is not finite or above 1e15
   */
  constructor(ids: readonly string[], vectors: Float32Array, dimensions: number, pool?: WorkerPool) {
    if (vectors.length !== ids.length * dimensions) {
      throw new RangeError(`${vectors.length} values are not ${ids.length} vectors of ${dimensions}`);
    }
    const order = tieBreakingOrder(ids);
    this.dimensions = dimensions;
    this.#ids = Array.from(order, (row) => ids[row] ?? '');
    this.#pool = pool;
    this.#shared = pool !== undefined && typeof SharedArrayBuffer === 'function';
    this.#shards = makeShards(order, vectors, dimensions, pool?.size ?? 1, this.#shared);
    for (const { vectors: rows, firstRow } of this.#shards) {
      const bad = findUnusable(rows);
      if (bad === -1) continue;
      const id = this.#ids[firstRow + Math.floor(bad / dimensions)] ?? '';
      throw new InputError(`the vector of document ${JSON.stringify(id)} has the value ${rows[bad]}`, {
        remedy: 'Use another model: this one produces invalid vectors',
      });
    }
  }

  /** How many vectors it holds. */
  get size(): number {
    return this.#ids.length;
  }

  /**
   * The best `k` documents for each query. Scores are float32; ties go by document id, descending by bytes.
   * @param queries [number of queries, dimensions]
   * @throws InputError if a query has a value that is not finite or above 1e15
   */
  async search(queries: Float32Array, k: number): Promise<RankedDocument[][]> {
    const count = queries.length / this.dimensions;
    if (!Number.isInteger(count)) {
      throw new RangeError(`${queries.length} values are not vectors of ${this.dimensions}`);
    }
    const bad = findUnusable(queries);
    if (bad !== -1) {
      const query = Math.floor(bad / this.dimensions) + 1;
      throw new InputError(`the vector of query ${query} of ${count} has the value ${queries[bad]}`, {
        remedy: 'Use another model: this one produces invalid vectors',
      });
    }
    const found: RankedDocument[][] = [];
    for (let first = 0; first < count; first += BATCH_QUERIES) {
      const last = Math.min(first + BATCH_QUERIES, count);
      const batch = queries.slice(first * this.dimensions, last * this.dimensions);
      for (const { items, scores } of await this.#searchBatch(batch, k)) {
        found.push(
          Array.from(items, (row, i) => ({
            id: this.#ids[row] ?? '',
            score: scores[i] as number,
            rank: i + 1,
          })),
        );
      }
    }
    return found;
  }

  async #searchBatch(queries: Float32Array<ArrayBuffer>, k: number): Promise<ScoredItems[]> {
    const searchAll = (): Promise<ScoredItems[][]> =>
      Promise.all(this.#shards.map((shard) => this.#searchShard(shard, queries, k)));
    if (this.#shared || this.#pool === undefined) return this.#merge(await searchAll(), k);
    // The vectors are away with the workers until the search before this one has ended.
    const current = this.#previous.then(searchAll, searchAll);
    this.#previous = current;
    return this.#merge(await current, k);
  }

  async #searchShard(shard: Shard, queries: Float32Array<ArrayBuffer>, k: number): Promise<ScoredItems[]> {
    const { vectors, firstRow } = shard;
    const request: SearchRequest = { vectors, queries, dimensions: this.dimensions, firstRow, k };
    if (this.#pool === undefined) return [...runSearchTask(request).response.results];
    if (this.#shared) return [...((await this.#pool.run(request)) as SearchResponse).results];
    if (this.#lost !== undefined) {
      throw new Error('an earlier search lost a part of the index, which has to be rebuilt', {
        cause: this.#lost,
      });
    }
    try {
      const response = (await this.#pool.run(request, [vectors.buffer as ArrayBuffer])) as SearchResponse;
      shard.vectors = response.vectors ?? vectors;
      return [...response.results];
    } catch (error) {
      this.#lost = error;
      throw error;
    }
  }

  /** The best of all shards: [shards][queries] → [queries]. */
  #merge(results: readonly ScoredItems[][], k: number): ScoredItems[] {
    const [first = [], ...others] = results;
    return first.map((items, query) => {
      const best = new TopK(Math.min(k, this.size));
      for (const result of [items, ...others.map((shard) => shard[query] as ScoredItems)]) {
        for (let i = 0; i < result.items.length; i++) {
          best.offer(result.items[i] as number, result.scores[i] as number);
        }
      }
      return best.take();
    });
  }
}

/** The vectors in tie-breaking order, in as many nearly equal parts as there are workers. */
function makeShards(
  order: Int32Array,
  vectors: Float32Array,
  dimensions: number,
  parts: number,
  shared: boolean,
): Shard[] {
  const rowsPerShard = Math.max(1, Math.ceil(order.length / parts));
  const shards: Shard[] = [];
  for (let firstRow = 0; firstRow < Math.max(1, order.length); firstRow += rowsPerShard) {
    const rows = Math.min(rowsPerShard, order.length - firstRow);
    const length = rows * dimensions;
    const part = shared
      ? new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT))
      : new Float32Array(length);
    for (let row = 0; row < rows; row++) {
      const source = order[firstRow + row] as number;
      part.set(vectors.subarray(source * dimensions, (source + 1) * dimensions), row * dimensions);
    }
    shards.push({ firstRow, vectors: part });
  }
  return shards;
}

/** Position of the first value that no score can be computed from, −1 if there is none. */
function findUnusable(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i] as number) <= LARGEST_VALUE)) return i;
  }
  return -1;
}
