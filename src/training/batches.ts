import { isPositive } from '../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import type { DocumentNumbers, SampledList } from './batch-layout.ts';
import { chooseNegatives, type NegativeChoice } from './negative-choice.ts';

export interface BatchOptions {
  readonly seed: number;
  /** Lists per optimizer step. */
  readonly batchSize: number;
  /** Whether to drop or keep an epoch's last batch if it cannot be filled. */
  readonly incomplete: 'drop' | 'keep';
  /**
   * Whether a list that shares a passage with the batch waits for a later one, so that no passage occurs twice in
   * a batch (sentence-transformers' no-duplicates sampler).
   */
  readonly distinctPassages: boolean;
  /** Number of passages besides the positive. */
  readonly negatives: number | 'all';
  /** Which ones, if a list has more; random choices are repeated each epoch. */
  readonly choice: NegativeChoice;
  /** `list`: one row per list, with its first positive; `positive`: one row for each positive of a list. */
  readonly rowPer: 'list' | 'positive';
  /**
   * Whether each list has its next row before any list has one more, so that a training that ends early has seen all
   * lists alike; a random order of all rows otherwise.
   */
  readonly evenRows?: boolean | undefined;
  /**
   * Whether the passages may include a list's other positives: for losses that read grades or a teacher. A contrastive
   * loss only masks them.
   */
  readonly otherPositives: boolean;
  /** The lowest label that makes a passage a positive; any above 0 by default. */
  readonly level?: number;
}

/** After this many epochs in a row without a full batch, none is to be expected. */
const MOST_EMPTY_EPOCHS = 1000;

/** One row of the training data: a list, by its place, seen from one of its positives. */
export interface TrainingRow {
  readonly list: number;
  readonly positive: ListDocument;
  readonly others: readonly ListDocument[];
}

/**
 * Deals training lists into batches. The content of a batch is a pure function of (seed, epoch, step), so a resumed
 * training needs only those numbers.
 */
export class Batches {
  readonly #lists: readonly ListRecord[];
  readonly #options: BatchOptions;
  readonly #numbers: DocumentNumbers;
  readonly #rows: readonly TrainingRow[];
  readonly #steps = new Map<number, number>();
  #dealt: { readonly epoch: number; readonly batches: readonly Int32Array[] } | undefined;

  /**
   * @param numbers tells which passages are the same document.
   * @throws InputError if there are too few lists to fill one batch, or a number makes no sense.
   */
  constructor(lists: readonly ListRecord[], numbers: DocumentNumbers, options: BatchOptions) {
    const { batchSize, negatives, incomplete } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new InputError(`The batch size is ${batchSize}`, { remedy: 'Use a whole number from 1' });
    }
    if (negatives !== 'all' && !(Number.isInteger(negatives) && negatives >= 0)) {
      throw new InputError(`The number of negatives is ${negatives}`, {
        remedy: "Use a whole number from 0, or 'all'",
      });
    }
    this.#lists = lists;
    this.#numbers = numbers;
    this.#options = options;
    this.#rows = rowsOf(lists, options);
    if (this.#rows.length === 0) {
      throw new InputError('there are no training lists', {
        remedy: 'Use a file that contains training lists',
      });
    }
    if (incomplete === 'drop' && this.stepsInEpoch(0) === 0) {
      throw this.#rows.length < batchSize
        ? tooFewRows(this.#rows.length, batchSize)
        : new InputError(
            `too few of the ${this.#rows.length} training rows have distinct passages to fill a batch of ${batchSize}`,
            { remedy: 'Use a smaller batch or fewer negatives, or allow the same passage twice in a batch' },
          );
    }
  }

  /** Rows that an epoch goes through: lists, or positives. */
  get rows(): number {
    return this.#rows.length;
  }

  /** Epochs may differ by a step or more where passages must be distinct. */
  stepsInEpoch(epoch: number): number {
    const known = this.#steps.get(epoch);
    if (known !== undefined) return known;
    const steps = this.#deal(epoch).length;
    this.#steps.set(epoch, steps);
    return steps;
  }

  stepsInEpochs(epochs: number): number {
    let steps = 0;
    for (let epoch = 0; epoch < epochs; epoch++) steps += this.stepsInEpoch(epoch);
    return steps;
  }

  /**
   * The epoch and step of a step counted from the start of the training. Epochs without a full batch are skipped.
   * @param globalStep one that the training takes; an epoch with a later one may not exist
   */
  locate(globalStep: number): { readonly epoch: number; readonly step: number } {
    let step = globalStep;
    for (let epoch = 0, last = 0; epoch - last <= MOST_EMPTY_EPOCHS; epoch++) {
      const steps = this.stepsInEpoch(epoch);
      if (step < steps) return { epoch, step };
      step -= steps;
      if (steps > 0) last = epoch;
    }
    throw new RangeError(`there is no step ${globalStep}`);
  }

  /** The lists of one step, each with its positive first. */
  batch(epoch: number, step: number): readonly SampledList[] {
    const batch = this.#deal(epoch)[step];
    if (batch === undefined) throw new RangeError(`epoch ${epoch} has no step ${step}`);
    return Array.from(batch, (row) => this.#sample(epoch, row));
  }

  #sample(epoch: number, row: number): SampledList {
    const { list, positive, others } = this.#rows[row] as TrainingRow;
    const documents = [positive, ...this.#choose(epoch, row, others)];
    return { record: this.#lists[list] as ListRecord, documents, positive: 0 };
  }

  #choose(epoch: number, row: number, others: readonly ListDocument[]): readonly ListDocument[] {
    const { negatives, choice, seed } = this.#options;
    if (negatives === 'all') return others;
    const random = (): RandomStream =>
      new RandomStream(seed, 'negatives', choice === 'fixed' ? 0 : epoch, row);
    return chooseNegatives(others, negatives, choice, random, 0);
  }

  #deal(epoch: number): readonly Int32Array[] {
    if (this.#dealt?.epoch !== epoch) this.#dealt = { epoch, batches: this.#dealAnew(epoch) };
    return this.#dealt.batches;
  }

  #dealAnew(epoch: number): readonly Int32Array[] {
    const { seed, batchSize, incomplete, distinctPassages } = this.#options;
    const shuffled = new RandomStream(seed, 'epoch', epoch).shuffle(Int32Array.from(this.#rows.keys()));
    const order = this.#options.evenRows === true ? this.#roundByRound(shuffled) : shuffled;
    const batches = distinctPassages ? this.#dealDistinct(order, epoch) : chunksOf(order, batchSize);
    return incomplete === 'drop' ? batches.filter((batch) => batch.length === batchSize) : batches;
  }

  /** A row of each list, then another of each list that has one, and so on. */
  #roundByRound(shuffled: Int32Array): Int32Array {
    const seen = new Map<number, number>();
    const rounds: number[][] = [];
    for (const row of shuffled) {
      const { list } = this.#rows[row] as TrainingRow;
      const round = seen.get(list) ?? 0;
      seen.set(list, round + 1);
      (rounds[round] ??= []).push(row);
    }
    return Int32Array.from(rounds.flat());
  }

  /** Each batch takes, in order, every waiting row that shares no passage with it, until it is full. */
  #dealDistinct(order: Int32Array, epoch: number): Int32Array[] {
    const { batchSize } = this.#options;
    const batches: Int32Array[] = [];
    // A chain through the rows that wait, so that a row dealt out is never looked at again.
    const next = Int32Array.from({ length: order.length + 1 }, (_, place) => place + 1);
    const documents = Array.from(order, (row) =>
      this.#sample(epoch, row).documents.map((document) => this.#numbers.numberOf(document)),
    );
    const end = order.length;
    let first = 0;
    while (first < end) {
      const batch: number[] = [];
      const taken = new Set<number>();
      let before = -1;
      for (let place = first; place < end && batch.length < batchSize; place = next[place] as number) {
        const passages = documents[place] as number[];
        if (passages.some((passage) => taken.has(passage))) {
          before = place;
          continue;
        }
        for (const passage of passages) taken.add(passage);
        batch.push(order[place] as number);
        if (before < 0) first = next[place] as number;
        else next[before] = next[place] as number;
      }
      batches.push(Int32Array.from(batch));
    }
    return batches;
  }
}

/** The rows of lists, in their order. */
export function rowsOf(
  lists: readonly ListRecord[],
  options: Pick<BatchOptions, 'level' | 'rowPer' | 'otherPositives'>,
): readonly TrainingRow[] {
  return lists.flatMap((record, list) => {
    const positives = record.documents.filter((document) => isPositive(document, options.level));
    // A list without labels, for a loss that reads only the teacher: its first passage acts as the positive.
    const chosen = positives.length > 0 ? positives : record.documents.slice(0, 1);
    const seenFrom = options.rowPer === 'positive' ? chosen : chosen.slice(0, 1);
    return seenFrom.map((positive) => ({
      list,
      positive,
      others: record.documents.filter(
        (document) => document !== positive && (options.otherPositives || !positives.includes(document)),
      ),
    }));
  });
}

function chunksOf(order: Int32Array, size: number): Int32Array[] {
  const chunks: Int32Array[] = [];
  for (let from = 0; from < order.length; from += size) chunks.push(order.subarray(from, from + size));
  return chunks;
}

/** That the rows of all lists are fewer than those of a batch. */
export function tooFewRows(rows: number, batchSize: number): InputError {
  return new InputError(`${rows} training rows cannot fill a batch of ${batchSize}`, {
    remedy:
      rows === 0
        ? 'Use more lists, or hold out fewer'
        : `Use a batch size of ${rows} or less, hold out fewer lists, or keep incomplete batches`,
  });
}
