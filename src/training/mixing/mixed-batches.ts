import type { ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../core/errors.ts';
import { RandomStream } from '../../core/random.ts';
import type { DocumentNumbers, SampledList } from '../batch-layout.ts';
import { rowsOf, tooFewRows, type BatchOptions, type TrainingRow } from '../batches.ts';
import { chooseNegatives } from '../negative-choice.ts';
import type { Mix, MixedSource } from './mix.ts';
import { rowsOfSteps } from './quotas.ts';

export interface MixedBatchOptions extends BatchOptions {
  readonly epochs: number;
  /** The training may end before its epochs do: schedules go by the steps that are taken. */
  readonly maxSteps?: number | undefined;
}

interface MixPart {
  readonly source: MixedSource;
  readonly rows: readonly TrainingRow[];
  /** Rows it has given before each step, and in all. [steps + 1] */
  readonly before: Float64Array;
}

interface DealtRow {
  readonly part: number;
  readonly row: number;
}

/**
 * Deals lists of several sources into batches, by weights that may change from step to step. An epoch has as many
 * steps as all rows fill batches; a source contributes more or fewer rows than it has, and each pass over them has
 * a new order. The content of a batch is a pure function of (seed, epoch, step).
 *
 * Where passages must be distinct, a row that shares one with its batch waits for a later one, at most to the end of
 * the epoch. If no row of a source fits, the batch has fewer.
 */
export class MixedBatches {
  readonly #lists: readonly ListRecord[];
  readonly #numbers: DocumentNumbers;
  readonly #options: MixedBatchOptions;
  readonly #parts: readonly MixPart[];
  readonly #stepsInEpoch: number;
  readonly #totalSteps: number;
  readonly #orders = new Map<string, Int32Array>();
  #dealt: { readonly epoch: number; readonly batches: readonly (readonly DealtRow[])[] } | undefined;

  /**
   * @param lists each with the name of its source as `origin`
   * @throws InputError if a source has no lists or a list no source, or the lists do not fill a batch
   */
  constructor(
    lists: readonly ListRecord[],
    numbers: DocumentNumbers,
    { batches, sources }: Mix,
    options: MixedBatchOptions,
  ) {
    const { batchSize, incomplete, epochs, maxSteps } = options;
    this.#lists = lists;
    this.#numbers = numbers;
    this.#options = options;
    const rows = rowsBySource(lists, sources, options);
    const all = rows.reduce((sum, { length }) => sum + length, 0);
    this.#stepsInEpoch = incomplete === 'drop' ? Math.floor(all / batchSize) : Math.ceil(all / batchSize);
    if (this.#stepsInEpoch === 0) {
      throw tooFewRows(all, batchSize);
    }
    const steps = epochs * this.#stepsInEpoch;
    this.#totalSteps = Math.min(steps, maxSteps ?? steps);
    const quotas = rowsOfSteps({ batches, sources }, batchSize, this.#totalSteps);
    this.#parts = sources.map((source, i) => ({
      source,
      rows: rows[i] as readonly TrainingRow[],
      before: sumsBefore(quotas[i] as Int32Array),
    }));
  }

  stepsInEpochs(epochs: number): number {
    return epochs * this.#stepsInEpoch;
  }

  /** The epoch and step of a step counted from the start of the training. */
  locate(globalStep: number): { readonly epoch: number; readonly step: number } {
    return { epoch: Math.floor(globalStep / this.#stepsInEpoch), step: globalStep % this.#stepsInEpoch };
  }

  /** The lists of one step, those of a source together, each with its positive first. */
  batch(epoch: number, step: number): readonly SampledList[] {
    if (this.#dealt?.epoch !== epoch) this.#dealt = { epoch, batches: this.#deal(epoch) };
    const batch = this.#dealt.batches[step];
    if (batch === undefined) throw new RangeError(`epoch ${epoch} has no step ${step}`);
    const globalStep = epoch * this.#stepsInEpoch + step;
    return batch.map((row) => this.#sample(row, globalStep));
  }

  #deal(epoch: number): readonly (readonly DealtRow[])[] {
    const first = epoch * this.#stepsInEpoch;
    const last = Math.min(first + this.#stepsInEpoch, this.#totalSteps);
    const queues = this.#parts.map(
      ({ before }, part) => new RowQueue(before[first] ?? 0, (at) => this.#rowAt(part, at)),
    );
    const batches: DealtRow[][] = [];
    for (let step = first; step < last; step++) {
      const taken = new Set<number>();
      const fits = (dealt: DealtRow): boolean => {
        if (!this.#options.distinctPassages) return true;
        const passages = this.#sample(dealt, step).documents.map((document) =>
          this.#numbers.numberOf(document),
        );
        if (passages.some((passage) => taken.has(passage))) return false;
        for (const passage of passages) taken.add(passage);
        return true;
      };
      batches.push(
        this.#parts.flatMap(({ before, rows }, part) => {
          const wanted = (before[step + 1] as number) - (before[step] as number);
          return (queues[part] as RowQueue)
            .take(wanted, rows.length, (row) => fits({ part, row }))
            .map((row) => ({ part, row }));
        }),
      );
    }
    return batches;
  }

  /** The row at a place of a source's endless walk through its rows. */
  #rowAt(part: number, place: number): number {
    const { rows, source } = this.#parts[part] as MixPart;
    const pass = Math.floor(place / rows.length);
    const key = `${part} ${pass}`;
    let order = this.#orders.get(key);
    if (order === undefined) {
      const stream = new RandomStream(this.#options.seed, 'mix', source.name, pass);
      order = stream.shuffle(Int32Array.from(rows.keys()));
      // Passes are usually requested in order; an earlier one may be requested again, and is then recomputed.
      if (this.#orders.size >= 4 * this.#parts.length) this.#orders.clear();
      this.#orders.set(key, order);
    }
    return order[place % rows.length] as number;
  }

  #sample({ part, row }: DealtRow, step: number): SampledList {
    const { rows, source } = this.#parts[part] as MixPart;
    const { list, positive, others } = rows[row] as TrainingRow;
    const { negatives, seed } = this.#options;
    const choice = source.choice ?? this.#options.choice;
    const random = (): RandomStream =>
      new RandomStream(seed, 'negatives', source.name, choice === 'fixed' ? 0 : step, row);
    const progress = this.#totalSteps > 1 ? step / (this.#totalSteps - 1) : 0;
    const chosen =
      negatives === 'all' ? others : chooseNegatives(others, negatives, choice, random, progress);
    return { record: this.#lists[list] as ListRecord, documents: [positive, ...chosen], positive: 0 };
  }
}

/** A source's rows in the order of its walk; those that did not fit come first with the next step. */
class RowQueue {
  readonly #rowAt: (place: number) => number;
  #next: number;
  #waiting: number[] = [];

  constructor(start: number, rowAt: (place: number) => number) {
    this.#next = start;
    this.#rowAt = rowAt;
  }

  /** @param patience how many new rows are looked at for one step at most, beyond the wanted */
  take(wanted: number, patience: number, fits: (row: number) => boolean): number[] {
    const taken: number[] = [];
    const still: number[] = [];
    for (const row of this.#waiting) {
      if (taken.length < wanted && fits(row)) taken.push(row);
      else still.push(row);
    }
    for (let misses = 0; taken.length < wanted && misses < patience;) {
      const row = this.#rowAt(this.#next++);
      if (fits(row)) taken.push(row);
      else {
        still.push(row);
        misses++;
      }
    }
    this.#waiting = still;
    return taken;
  }
}

function rowsBySource(
  lists: readonly ListRecord[],
  sources: readonly MixedSource[],
  options: BatchOptions,
): readonly (readonly TrainingRow[])[] {
  const bySource = new Map(sources.map(({ name }) => [name, [] as TrainingRow[]]));
  for (const row of rowsOf(lists, options)) {
    const { origin, query_id } = lists[row.list] as ListRecord;
    const known = bySource.get(origin ?? '');
    if (known === undefined) {
      throw new InputError(
        `the list of query '${query_id}' has ${origin === undefined ? 'no source' : `the source '${origin}'`}, which the mix does not name`,
        { remedy: `Use one of ${sources.map(({ name }) => name).join(', ')}` },
      );
    }
    known.push(row);
  }
  return sources.map(({ name }) => {
    const rows = bySource.get(name) ?? [];
    if (rows.length > 0) return rows;
    throw new InputError(`the source ${name} of the mix has no lists`, { remedy: 'Remove it from the mix' });
  });
}

function sumsBefore(rows: Int32Array): Float64Array {
  const sums = new Float64Array(rows.length + 1);
  rows.forEach((count, step) => (sums[step + 1] = (sums[step] as number) + count));
  return sums;
}
