import { ResourceError } from '../core/errors.ts';
import type { LossBlock, LossResult, LossSettings } from '../losses/contract.ts';
import { readsTeacherVectors, type LossSpec, type LossTerm } from '../losses/loss-spec.ts';
import type { BatchLayout } from './batch-layout.ts';
import { Candidates } from './candidates.ts';
import {
  addScaled,
  dot,
  plainProduct,
  type Embeddings,
  type MatrixProduct,
  type ProductShape,
} from './matrix-product.ts';

export interface BatchEmbeddings {
  /** [lists, dimension] */
  readonly queries: Embeddings;
  /** [passages, dimension], in the order of the layout. */
  readonly passages: Embeddings;
  readonly dimension: number;
}

export interface SimilarityOptions {
  /** `cosine` normalizes here and differentiates through it; embeddings normalized already may use `dot`. */
  readonly similarity: 'dot' | 'cosine';
  /** Memory for one block of rows; 64 MiB by default. A batch-level loss takes all rows at once regardless. */
  readonly blockBytes?: number;
  /** The matrix product; plain loops by default. */
  readonly product?: MatrixProduct;
  /**
   * A row-wise term's settings for a list, where lists of one batch differ in them; neighbors with the same object
   * are computed together. The term's own by default.
   */
  readonly settingsOf?: ((term: LossTerm, list: number) => LossSettings) | undefined;
  /** False to get the value alone, e.g. on a dev set: two thirds of the work less. */
  readonly gradients?: boolean;
  /** Hears of every block's score gradients; terms of one scope are summed. What it is given is not to be kept. */
  readonly onScoreGradients?: ((block: ScoreGradients) => void) | undefined;
}

/** ∂value/∂scores of consecutive lists of a batch. */
export interface ScoreGradients {
  /** The first of them. */
  readonly from: number;
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns]; 0 where a candidate is masked, or there is none. */
  readonly gradient: Float64Array;
  /** The passage of the batch in a column of a list's row. */
  passage(list: number, column: number): number;
}

export interface TermValue {
  readonly name: string;
  readonly weight: number;
  /** The mean over the queries, unweighted. */
  readonly value: number;
  /** Share of the candidates besides the positive that masks left out. */
  readonly maskedShare: number;
}

export interface BatchLoss<Gradient> {
  /** Σ weight × value of the terms. */
  readonly value: number;
  /** One per term of the specification, in its order. */
  readonly terms: readonly TermValue[];
  /** ∂value/∂queries, [lists, dimension]; empty where gradients were not asked for. */
  readonly queryGradient: Gradient;
  /** ∂value/∂passages, [passages, dimension]; empty where gradients were not asked for. */
  readonly passageGradient: Gradient;
  /** ‖∂value/∂embeddings‖ over each source's passages: who teaches how much. */
  readonly gradientNorms: ReadonlyMap<string, number>;
}

const DEFAULT_BLOCK_BYTES = 64 * 2 ** 20;
/** A batch-level loss whose one block would be larger is refused. */
const LARGEST_BLOCK_BYTES = 2 ** 31;
/** Minimum length of an embedding in the normalization, as in PyTorch's normalize. */
const SMALLEST_LENGTH = 1e-12;

/**
 * The loss of a batch and its derivative by every embedding. The full score matrix never exists: rows are scored,
 * judged and differentiated a block at a time.
 *
 * @throws ResourceError if a batch-level loss would need its whole score matrix at once and that is too large.
 */
export async function batchLoss(
  spec: LossSpec,
  embeddings: BatchEmbeddings,
  layout: BatchLayout,
  options: SimilarityOptions,
): Promise<BatchLoss<Float32Array<ArrayBuffer>>> {
  const exact = await exactBatchLoss(spec, embeddings, layout, options);
  return {
    ...exact,
    queryGradient: new Float32Array(exact.queryGradient),
    passageGradient: new Float32Array(exact.passageGradient),
  };
}

/** {@link batchLoss} with its gradients as they were accumulated, in float64. */
export async function exactBatchLoss(
  spec: LossSpec,
  embeddings: BatchEmbeddings,
  layout: BatchLayout,
  options: SimilarityOptions,
): Promise<BatchLoss<Float64Array>> {
  const batch = new Batch(embeddings, layout, options);
  const sums = spec.terms.map(() => ({ value: 0, candidates: 0, masked: 0 }));
  // Terms with the same candidates share their scores and one way back.
  const groups = new Map<string, SummedTerm[]>();
  spec.terms.forEach((term, place) => {
    const key = `${term.scope} ${term.definition.rowwise}`;
    groups.set(key, [...(groups.get(key) ?? []), { term, sum: sums[place] as TermSum }]);
  });
  for (const group of groups.values()) await batch.add(group);
  if (options.similarity === 'cosine') batch.differentiateNormalization(embeddings);

  const lists = layout.positive.length;
  const terms = spec.terms.map(({ definition, weight }, place) => {
    const { value, candidates, masked } = sums[place] as TermSum;
    return {
      name: definition.name,
      weight,
      value: value / lists,
      maskedShare: masked / Math.max(1, candidates),
    };
  });
  return {
    value: terms.reduce((sum, { weight, value }) => sum + weight * value, 0),
    terms,
    queryGradient: batch.queryGradient,
    passageGradient: batch.passageGradient,
    gradientNorms: normsBySource(batch.passageGradient, layout.sources, embeddings.dimension),
  };
}

interface TermSum {
  value: number;
  candidates: number;
  masked: number;
}

interface SummedTerm {
  readonly term: LossTerm;
  readonly sum: TermSum;
}

/** A block of consecutive lists' rows. */
interface RowBlock {
  readonly from: number;
  readonly rows: number;
  readonly scores: Float64Array;
}

class Batch {
  readonly queryGradient: Float64Array;
  readonly passageGradient: Float64Array;
  readonly #embeddings: BatchEmbeddings;
  readonly #layout: BatchLayout;
  readonly #lists: number;
  readonly #product: MatrixProduct;
  readonly #blockBytes: number;
  readonly #differentiates: boolean;
  readonly #settingsOf: (term: LossTerm, list: number) => LossSettings;
  readonly #onScoreGradients: SimilarityOptions['onScoreGradients'];

  constructor(embeddings: BatchEmbeddings, layout: BatchLayout, options: SimilarityOptions) {
    const { queries, passages, dimension } = embeddings;
    this.#lists = layout.positive.length;
    if (
      queries.length !== this.#lists * dimension ||
      passages.length !== layout.documents.length * dimension
    ) {
      throw new RangeError(
        `${queries.length} and ${passages.length} numbers are not ${this.#lists} queries and ` +
          `${layout.documents.length} passages of ${dimension}`,
      );
    }
    const { teacherVectors: teacher } = layout;
    if (
      teacher !== undefined &&
      (teacher.queries.length !== this.#lists * teacher.dimension ||
        teacher.passages.length !== layout.documents.length * teacher.dimension)
    ) {
      throw new RangeError(
        `${teacher.queries.length} and ${teacher.passages.length} numbers are not a teacher's ${this.#lists} queries ` +
          `and ${layout.documents.length} passages of ${teacher.dimension}`,
      );
    }
    this.#embeddings =
      options.similarity === 'cosine'
        ? { queries: normalized(queries, dimension), passages: normalized(passages, dimension), dimension }
        : embeddings;
    this.#layout = layout;
    this.#product = options.product ?? plainProduct;
    this.#blockBytes = options.blockBytes ?? DEFAULT_BLOCK_BYTES;
    this.#differentiates = options.gradients ?? true;
    this.#settingsOf = options.settingsOf ?? (({ settings }) => settings);
    this.#onScoreGradients = options.onScoreGradients;
    this.queryGradient = new Float64Array(this.#differentiates ? queries.length : 0);
    this.passageGradient = new Float64Array(this.#differentiates ? passages.length : 0);
  }

  /** Adds the terms of one scope, all row-wise or all batch-level. */
  async add(group: readonly SummedTerm[]): Promise<void> {
    const first = group[0];
    if (first === undefined) return;
    const { scope, definition } = first.term;
    const candidates = new Candidates(this.#layout, scope);
    const reads = (need: 'labels' | 'teacher') =>
      group.some(({ term }) => term.definition.needs.includes(need));
    const numbers = 4 + Number(reads('labels')) + Number(reads('teacher'));
    const rowBytes = candidates.columns * (8 * numbers + 1);
    const blockRows = definition.rowwise
      ? Math.min(this.#lists, Math.max(1, Math.floor(this.#blockBytes / rowBytes)))
      : this.#lists;
    if (blockRows > 1 && blockRows * rowBytes > Math.max(this.#blockBytes, LARGEST_BLOCK_BYTES)) {
      const gibibytes = ((blockRows * rowBytes) / 2 ** 30).toFixed(1);
      throw new ResourceError(
        `${definition.name} is computed over the whole batch, and ${this.#lists} queries with ` +
          `${candidates.columns} passages each take ${gibibytes} GiB`,
        { remedy: 'Use a smaller batch, fewer passages per query, or scope=own' },
      );
    }

    const shared = this.#gather(candidates.sharedPassages);
    const sharedGradient =
      candidates.sharedPassages === undefined ? this.passageGradient : new Float64Array(shared.length);
    const scores = new Float64Array(blockRows * candidates.columns);
    for (let from = 0; from < this.#lists; from += blockRows) {
      const rows = Math.min(blockRows, this.#lists - from);
      const block = { from, rows, scores: scores.subarray(0, rows * candidates.columns) };
      await this.#score(block, candidates, shared);
      const teacher = await this.#teacherScores(block, candidates, group);
      const gradient = this.#judge(block, candidates, group, teacher);
      if (!this.#differentiates) continue;
      this.#onScoreGradients?.({
        ...{ from, rows, columns: candidates.columns, gradient },
        passage: (list, column) => candidates.passage(list, column),
      });
      await this.#backpropagate(block, candidates, gradient, shared, sharedGradient);
    }
    if (!this.#differentiates) return;
    candidates.sharedPassages?.forEach((passage, column) => {
      const { dimension } = this.#embeddings;
      addScaled(this.passageGradient, passage * dimension, 1, sharedGradient, column * dimension, dimension);
    });
  }

  /** What the shared columns' products read: all passages as they are, or copies of some. */
  #gather(passages: Int32Array | undefined): Embeddings {
    const { passages: all, dimension } = this.#embeddings;
    if (passages === undefined) return all;
    const gathered = emptyLike(all, passages.length * dimension);
    passages.forEach((passage, column) => {
      gathered.set(all.subarray(passage * dimension, (passage + 1) * dimension), column * dimension);
    });
    return gathered;
  }

  #shape(block: RowBlock, candidates: Candidates): ProductShape {
    return { rows: block.rows, columns: candidates.sharedColumns, dimension: this.#embeddings.dimension };
  }

  #queriesOf(block: RowBlock): Embeddings {
    const { queries, dimension } = this.#embeddings;
    return queries.subarray(block.from * dimension, (block.from + block.rows) * dimension);
  }

  async #score(block: RowBlock, candidates: Candidates, shared: Embeddings): Promise<void> {
    const { queries, passages, dimension } = this.#embeddings;
    const { columns, sharedColumns, ownColumns } = candidates;
    if (sharedColumns > 0) {
      const target = ownColumns === 0 ? block.scores : new Float64Array(block.rows * sharedColumns);
      await this.#product.scores(this.#queriesOf(block), shared, this.#shape(block, candidates), target);
      if (ownColumns > 0) {
        for (let row = 0; row < block.rows; row++) {
          block.scores.set(target.subarray(row * sharedColumns, (row + 1) * sharedColumns), row * columns);
        }
      }
    }
    for (let row = 0; row < block.rows; row++) {
      const list = block.from + row;
      const own = block.scores.subarray(row * columns + sharedColumns, (row + 1) * columns);
      own.fill(0);
      for (let n = 0; n < candidates.ownCount(list); n++) {
        own[n] = dot(
          queries,
          list * dimension,
          passages,
          candidates.ownPassage(list, n) * dimension,
          dimension,
        );
      }
    }
  }

  /** Computes the losses of a block; returns ∂value/∂scores of their weighted sum. */
  #judge(
    block: RowBlock,
    candidates: Candidates,
    group: readonly SummedTerm[],
    teacher: Float64Array | undefined,
  ): Float64Array {
    const { columns } = candidates;
    const mask = new Uint8Array(block.rows * columns);
    const shared: Omit<LossBlock, 'mask'> = {
      rows: block.rows,
      columns,
      scores: block.scores,
      positive: Int32Array.from({ length: block.rows }, (_, row) =>
        candidates.positiveColumn(block.from + row),
      ),
      labels: this.#ownNumbers(block, candidates, group, 'labels'),
      teacher,
    };
    const gradient = new Float64Array(block.rows * columns);
    for (const { term, sum } of group) {
      for (let row = 0; row < block.rows; row++) {
        const rowMask = mask.subarray(row * columns, (row + 1) * columns);
        const counts = candidates.fillMask(block.from + row, term, rowMask);
        sum.candidates += counts.candidates;
        sum.masked += counts.masked;
      }
      for (const { from, to, settings } of this.#runs(block, term)) {
        const result = term.definition.compute(rowsOf({ ...shared, mask }, from, to), settings);
        sum.value += result.value;
        addWeighted(gradient.subarray(from * columns, to * columns), result, term.weight / this.#lists);
      }
    }
    return gradient;
  }

  /** The block's rows, in stretches of equal settings. */
  *#runs(block: RowBlock, term: LossTerm): Generator<{ from: number; to: number; settings: LossSettings }> {
    for (let from = 0, to = 1; from < block.rows; from = to++) {
      const settings = this.#settingsOf(term, block.from + from);
      while (to < block.rows && this.#settingsOf(term, block.from + to) === settings) to++;
      yield { from, to, settings };
    }
  }

  /** Those that the lists carry, or of every pair where a term asks for them. */
  async #teacherScores(
    block: RowBlock,
    candidates: Candidates,
    group: readonly SummedTerm[],
  ): Promise<Float64Array | undefined> {
    const asking = group.find(({ term }) => readsTeacherVectors(term));
    if (asking === undefined) return this.#ownNumbers(block, candidates, group, 'teacher');
    const { teacherVectors } = this.#layout;
    if (teacherVectors === undefined) {
      throw new TypeError(`${asking.term.definition.name}: the batch has no teacher vectors`);
    }
    const { queries, passages, dimension } = teacherVectors;
    const { from, rows } = block;
    const scores = new Float64Array(rows * candidates.columns);
    const ofBlock = queries.subarray(from * dimension, (from + rows) * dimension);
    await this.#product.scores(ofBlock, passages, { rows, columns: candidates.columns, dimension }, scores);
    return scores;
  }

  #ownNumbers(
    block: RowBlock,
    candidates: Candidates,
    group: readonly SummedTerm[],
    need: 'labels' | 'teacher',
  ): Float64Array | undefined {
    if (!group.some(({ term }) => term.definition.needs.includes(need))) return undefined;
    const known = this.#layout[need];
    const { columns } = candidates;
    const numbers = new Float64Array(block.rows * columns);
    for (let row = 0; row < block.rows; row++) {
      candidates.fillOwn(block.from + row, known, numbers.subarray(row * columns, (row + 1) * columns));
    }
    return numbers;
  }

  /** From ∂value/∂scores to the embeddings. */
  async #backpropagate(
    block: RowBlock,
    candidates: Candidates,
    gradient: Float64Array,
    shared: Embeddings,
    sharedGradient: Float64Array,
  ): Promise<void> {
    const { queries, passages, dimension } = this.#embeddings;
    const { columns, sharedColumns, ownColumns } = candidates;
    for (let row = 0; row < block.rows; row++) {
      const query = block.from + row;
      for (let n = 0; n < candidates.ownCount(query); n++) {
        const slope = gradient[row * columns + sharedColumns + n] as number;
        const passage = candidates.ownPassage(query, n);
        addScaled(this.queryGradient, query * dimension, slope, passages, passage * dimension, dimension);
        addScaled(this.passageGradient, passage * dimension, slope, queries, query * dimension, dimension);
      }
    }
    if (sharedColumns === 0) return;
    let slopes = gradient;
    if (ownColumns > 0) {
      slopes = new Float64Array(block.rows * sharedColumns);
      for (let row = 0; row < block.rows; row++) {
        slopes.set(gradient.subarray(row * columns, row * columns + sharedColumns), row * sharedColumns);
      }
    }
    const shape = this.#shape(block, candidates);
    const out = this.queryGradient.subarray(block.from * dimension, (block.from + block.rows) * dimension);
    await this.#product.addToQueries(slopes, shared, shape, out);
    await this.#product.addToPassages(slopes, this.#queriesOf(block), shape, sharedGradient);
  }

  /** Takes the gradients from the normalized embeddings on to the given ones. */
  differentiateNormalization(given: BatchEmbeddings): void {
    const { queries, passages, dimension } = this.#embeddings;
    throughNormalization(this.queryGradient, queries, given.queries, dimension);
    throughNormalization(this.passageGradient, passages, given.passages, dimension);
  }
}

function emptyLike(embeddings: Embeddings, length: number): Embeddings {
  return embeddings instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}

function lengthAt(embeddings: Embeddings, at: number, dimension: number): number {
  return Math.sqrt(dot(embeddings, at, embeddings, at, dimension));
}

function normalized(embeddings: Embeddings, dimension: number): Embeddings {
  const units = emptyLike(embeddings, embeddings.length);
  for (let at = 0; at < embeddings.length; at += dimension) {
    const length = Math.max(SMALLEST_LENGTH, lengthAt(embeddings, at, dimension));
    for (let x = at; x < at + dimension; x++) units[x] = (embeddings[x] as number) / length;
  }
  return units;
}

/** gradient ← (gradient − (gradient · unit) unit) / ‖given‖: a cosine does not see an embedding's length. */
function throughNormalization(
  gradient: Float64Array,
  units: Embeddings,
  given: Embeddings,
  dimension: number,
): void {
  for (let at = 0; at < gradient.length; at += dimension) {
    const length = lengthAt(given, at, dimension);
    // Below the smallest length the divisor is a constant.
    const along = length > SMALLEST_LENGTH ? dot(gradient, at, units, at, dimension) : 0;
    const scale = 1 / Math.max(SMALLEST_LENGTH, length);
    for (let x = at; x < at + dimension; x++) {
      gradient[x] = scale * ((gradient[x] as number) - along * (units[x] as number));
    }
  }
}

/** Some consecutive rows of a block, as views. */
function rowsOf(block: LossBlock, from: number, to: number): LossBlock {
  const { columns } = block;
  const [start, end] = [from * columns, to * columns];
  return {
    rows: to - from,
    columns,
    scores: block.scores.subarray(start, end),
    mask: block.mask.subarray(start, end),
    positive: block.positive.subarray(from, to),
    labels: block.labels?.subarray(start, end),
    teacher: block.teacher?.subarray(start, end),
  };
}

function addWeighted(target: Float64Array, { gradient }: LossResult, weight: number): void {
  for (let at = 0; at < target.length; at++) {
    target[at] = (target[at] as number) + weight * (gradient[at] as number);
  }
}

function normsBySource(
  gradient: Float64Array,
  sources: readonly string[],
  dimension: number,
): ReadonlyMap<string, number> {
  const squares = new Map<string, number>();
  if (gradient.length === 0) return squares;
  sources.forEach((source, passage) => {
    const at = passage * dimension;
    squares.set(source, (squares.get(source) ?? 0) + dot(gradient, at, gradient, at, dimension));
  });
  return new Map([...squares].map(([source, sum]) => [source, Math.sqrt(sum)]));
}
