import type { TokenSequence } from '../encoders/batch-inputs.ts';
import { familyOf } from '../encoders/families/index.ts';
import { TableEmbedder } from '../encoders/table-embedder.ts';
import { rowGradient, rowsOf, writeMean } from '../encoders/token-table.ts';
import type { EncoderModel } from '../encoders/types.ts';
import { integerPower } from '../core/exact-math.ts';
import type { Runtime } from '../host/contract.ts';
import { gatherRows, rowNames, scatterRows } from './changed-rows.ts';
import type { TrainingCheckpoint } from './checkpoint-state.ts';
import type { AdamWSettings } from './optimizer.ts';
import type { Trainable, TokenizedBatch, VectorGradients, VectorLoss } from './trainable.ts';

/** Room that grows, and is used again at every step. */
function grown(room: Float32Array<ArrayBuffer>, size: number): Float32Array<ArrayBuffer> {
  return room.length >= size ? room : new Float32Array(2 * size);
}

/**
 * A table of token vectors in training, on the host and without graphs. A step reads and changes only the rows of the
 * batch's tokens: their moments move, by the global count of steps, as in PyTorch's SparseAdam.
 */
export class TableTrainable implements Trainable {
  readonly embedder: TableEmbedder;
  // Plain loops give the same bits wherever they run.
  readonly fingerprint = { computed: 'TypeScript' };
  readonly plan = {};
  readonly chosenTokens = undefined;
  readonly peakRate = undefined;
  readonly #runtime: Pick<Runtime, 'turn'>;
  readonly #settings: AdamWSettings;
  readonly #normalize: boolean;
  readonly #name: string;
  readonly #base: Float32Array<ArrayBuffer>;
  readonly #table: Float32Array<ArrayBuffer>;
  readonly #first: Float32Array<ArrayBuffer>;
  readonly #second: Float32Array<ArrayBuffer>;
  readonly #isChanged: Uint8Array;
  /** For each row, one more than its place in the gradients of this step; 0 where it has none. */
  readonly #places: Int32Array;
  /** The rows of this step, in the order in which its tokens name them. */
  readonly #touched: Int32Array;
  #touchedCount = 0;
  #gradients = new Float32Array();
  #vectors = new Float32Array();
  #lengths = new Float64Array();
  readonly #sums: Float64Array;

  constructor(runtime: Pick<Runtime, 'turn'>, encoder: EncoderModel, settings: AdamWSettings) {
    const { vocabSize, hiddenSize } = encoder.shape;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#normalize = encoder.encoding.normalize;
    this.#name = familyOf(encoder.shape).wordEmbeddings;
    this.#base = rowsOf(encoder);
    this.#table = this.#base.slice();
    this.#first = new Float32Array(this.#table.length);
    this.#second = new Float32Array(this.#table.length);
    this.#isChanged = new Uint8Array(vocabSize);
    this.#places = new Int32Array(vocabSize);
    this.#touched = new Int32Array(vocabSize);
    this.#sums = new Float64Array(hiddenSize);
    this.embedder = new TableEmbedder(runtime, encoder, () => this.#table);
  }

  async gradients<Result extends VectorGradients>(
    { queries, passages }: TokenizedBatch,
    loss: VectorLoss<Result>,
  ): Promise<{ readonly result: Result; readonly gradientNorm: number }> {
    await this.#runtime.turn?.();
    const width = this.#sums.length;
    const texts = queries.length + passages.length;
    this.#vectors = grown(this.#vectors, texts * width);
    if (this.#lengths.length < texts) this.#lengths = new Float64Array(2 * texts);
    this.#embed(queries, 0);
    this.#embed(passages, queries.length);
    const split = queries.length * width;
    const result = await loss(this.#vectors.subarray(0, split), this.#vectors.subarray(split, texts * width));
    this.#addGradients(queries, 0, result.queryGradient);
    this.#addGradients(passages, queries.length, result.passageGradient);
    return { result, gradientNorm: this.#gradientNorm() };
  }

  #embed(texts: readonly TokenSequence[], first: number): void {
    const width = this.#sums.length;
    for (let i = 0; i < texts.length; i++) {
      const at = (first + i) * width;
      const tokens = texts[i] as TokenSequence;
      this.#lengths[first + i] = writeMean(
        this.#vectors,
        at,
        this.#table,
        tokens,
        this.#sums,
        this.#normalize,
      );
    }
  }

  /** Through normalization and mean to the rows. */
  #addGradients(texts: readonly TokenSequence[], first: number, upstream: Float32Array): void {
    const width = this.#sums.length;
    const gradient = this.#sums;
    const vectors = this.#vectors.subarray(first * width);
    for (let i = 0; i < texts.length; i++) {
      const tokens = texts[i] as TokenSequence;
      if (tokens.length === 0) continue;
      const length = this.#lengths[first + i] as number;
      rowGradient(gradient, upstream, vectors, i * width, {
        length,
        tokens: tokens.length,
        normalize: this.#normalize,
      });
      for (let token = 0; token < tokens.length; token++) {
        const to = this.#placeOf(tokens[token] as number) * width;
        const gradients = this.#gradients;
        for (let x = 0; x < width; x++) {
          gradients[to + x] = (gradients[to + x] as number) + (gradient[x] as number);
        }
      }
    }
  }

  /** Where a row's gradient is, which begins with zeros. */
  #placeOf(row: number): number {
    const known = this.#places[row] as number;
    if (known > 0) return known - 1;
    const place = this.#touchedCount++;
    const width = this.#sums.length;
    if (this.#gradients.length < (place + 1) * width) {
      const more = new Float32Array(2 * (place + 1) * width);
      more.set(this.#gradients);
      this.#gradients = more;
    }
    this.#places[row] = place + 1;
    this.#touched[place] = row;
    return place;
  }

  #gradientNorm(): number {
    const size = this.#touchedCount * this.#sums.length;
    let squares = 0;
    for (let i = 0; i < size; i++) squares += (this.#gradients[i] as number) * (this.#gradients[i] as number);
    return Math.sqrt(squares);
  }

  update(learningRate: number, step: number): Promise<void> {
    const { beta1, beta2, epsilon } = this.#settings;
    const [table, first, second, gradients] = [this.#table, this.#first, this.#second, this.#gradients];
    const width = this.#sums.length;
    const stepSize =
      (learningRate * Math.sqrt(1 - integerPower(beta2, step))) / (1 - integerPower(beta1, step));
    for (let place = 0; place < this.#touchedCount; place++) {
      const row = this.#touched[place] as number;
      this.#isChanged[row] = 1;
      const from = place * width;
      const to = row * width;
      for (let x = 0; x < width; x++) {
        const g = gradients[from + x] as number;
        const m = first[to + x] as number;
        const v = second[to + x] as number;
        const newM = m + (1 - beta1) * (g - m);
        const newV = v + (1 - beta2) * (g * g - v);
        first[to + x] = newM;
        second[to + x] = newV;
        table[to + x] = (table[to + x] as number) - (stepSize * newM) / (Math.sqrt(newV) + epsilon);
      }
    }
    this.#clear();
    return Promise.resolve();
  }

  #clear(): void {
    this.#gradients.fill(0, 0, this.#touchedCount * this.#sums.length);
    for (let place = 0; place < this.#touchedCount; place++) this.#places[this.#touched[place] as number] = 0;
    this.#touchedCount = 0;
  }

  #changedIds(): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#isChanged.keys()).filter((row) => this.#isChanged[row] === 1);
  }

  readWeights(): Promise<TrainingCheckpoint['weights']> {
    const names = rowNames(this.#name);
    const ids = this.#changedIds();
    const width = this.#sums.length;
    return Promise.resolve(
      new Map([
        [names.ids, { dims: [ids.length], data: ids }],
        [names.rows, { dims: [ids.length, width], data: gatherRows(this.#table, ids, width) }],
      ]),
    );
  }

  readMoments(): Promise<TrainingCheckpoint['moments']> {
    const { rows } = rowNames(this.#name);
    const ids = this.#changedIds();
    const of = (moment: Float32Array): ReadonlyMap<string, Float32Array<ArrayBuffer>> =>
      new Map([[rows, gatherRows(moment, ids, this.#sums.length)]]);
    return Promise.resolve({ first: of(this.#first), second: of(this.#second) });
  }

  restore({ weights, moments }: TrainingCheckpoint): Promise<void> {
    const names = rowNames(this.#name);
    const ids = weights.get(names.ids)?.data;
    if (ids === undefined) throw new Error(`the checkpoint has no rows of ${this.#name}`);
    this.#clear();
    this.#table.set(this.#base);
    for (const [to, from] of [
      [this.#table, weights.get(names.rows)?.data],
      [this.#first, moments.first.get(names.rows)],
      [this.#second, moments.second.get(names.rows)],
    ] as const) {
      if (to !== this.#table) to.fill(0);
      scatterRows(to, ids, from ?? new Float32Array());
    }
    this.#isChanged.fill(0);
    for (const id of ids) this.#isChanged[id] = 1;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.embedder.close();
  }
}
