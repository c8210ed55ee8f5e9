import type { ScoreGradients } from '../similarity.ts';
import { PairSums } from './pair-sums.ts';
import type { ForceRecord } from './record.ts';

/** Ids of a batch: of its lists' queries, and of its passages with who proposed them, in the order of the layout. */
export interface RecordedBatch {
  readonly queries: readonly string[];
  readonly passages: readonly string[];
  readonly sources: readonly string[];
}

export interface RecorderOptions {
  /** Passages of a list that are recorded in a step; 16 by default. */
  readonly strongest?: number;
  /** As a share of the list's strongest force in the step: fainter ones are left out. 0.01 by default. */
  readonly faintest?: number;
  /** With one more, the weaker half is dropped; 2^19 by default, which take 10 MB. */
  readonly mostPairs?: number;
}

export const strongestPerList = 16;
export const mostRecordedPairs = 2 ** 19;

/** A batch whose step is not taken yet; queries, passages and sources by their numbers. */
interface OpenBatch {
  readonly queries: Int32Array;
  readonly passages: Int32Array;
  readonly sources: Int32Array;
  /** For each source its push, then its pull. */
  readonly ofSources: Float64Array;
}

/**
 * Adds up how strongly each list pulls and pushes passages: −∂loss/∂score, the loss being the list's own, so that it does
 * not depend on how many lists a batch has. A positive force raises the score (pull), a negative one lowers it (push).
 * In each step the strongest few of every list are kept, weighted by the step's share of the peak learning rate.
 */
export class ForceRecorder {
  readonly #strongest: number;
  readonly #faintest: number;
  readonly #mostPairs: number;
  readonly #queries = new Numbers();
  readonly #passages = new Numbers();
  readonly #sources = new Numbers();
  readonly #pairs = new PairSums();
  /** For each source its push, then its pull. */
  #ofSources: number[] = [];
  #droppedPairs = 0;
  #from = 0;
  #steps = 0;
  #batch: OpenBatch | undefined;
  /** Of the batch, what is to be recorded. */
  readonly #found = new FoundForces();
  /** Room for a row: the force on each passage, 0 between two rows, and the strongest of them in order. */
  #sums = new Float64Array();
  readonly #best: Int32Array;
  readonly #bestForces: Float64Array;

  constructor(options: RecorderOptions = {}) {
    const { strongest = strongestPerList, faintest = 0.01, mostPairs = mostRecordedPairs } = options;
    this.#strongest = strongest;
    this.#faintest = faintest;
    this.#mostPairs = mostPairs;
    this.#best = new Int32Array(strongest);
    this.#bestForces = new Float64Array(strongest);
  }

  /** Before the loss of a batch is computed: what was noted of one whose step was not taken is forgotten. */
  begin({ queries, passages, sources }: RecordedBatch): void {
    this.#batch = {
      queries: this.#queries.ofAll(queries),
      passages: this.#passages.ofAll(passages),
      sources: this.#sources.ofAll(sources),
      ofSources: new Float64Array(2 * this.#sources.texts.length),
    };
    this.#found.clear();
    if (this.#sums.length < this.#passages.texts.length) {
      this.#sums = new Float64Array(2 * this.#passages.texts.length);
    }
  }

  note(block: ScoreGradients): void {
    const batch = this.#open();
    const { from, rows, columns, gradient } = block;
    const { passages, sources, ofSources } = batch;
    const sums = this.#sums;
    const lists = batch.queries.length;
    const found = new Int32Array(columns);
    for (let row = 0; row < rows; row++) {
      const slopes = gradient.subarray(row * columns, (row + 1) * columns);
      const floor = Math.max(this.#faintest * largest(slopes), Number.MIN_VALUE);
      let count = 0;
      for (let column = 0; column < columns; column++) {
        const slope = slopes[column] as number;
        if (slope < floor && slope > -floor) continue;
        const at = block.passage(from + row, column);
        // A document may stand in several columns.
        const passage = passages[at] as number;
        sums[passage] = (sums[passage] as number) - lists * slope;
        found[count++] = passage;
        const source = 2 * (sources[at] as number) + (slope > 0 ? 0 : 1);
        ofSources[source] = (ofSources[source] as number) + lists * Math.abs(slope);
      }
      this.#keepStrongest(batch.queries[from + row] as number, found.subarray(0, count));
    }
  }

  #open(): OpenBatch {
    if (this.#batch === undefined) throw new TypeError('no batch was begun');
    return this.#batch;
  }

  /** Takes the forces of a row's passages out of its room, some of which may be named twice. */
  #keepStrongest(query: number, passages: Int32Array): void {
    const [sums, best, forces] = [this.#sums, this.#best, this.#bestForces];
    const most = best.length;
    let count = 0;
    let weakest = 0;
    for (let i = 0; i < passages.length; i++) {
      const passage = passages[i] as number;
      const force = sums[passage] as number;
      sums[passage] = 0;
      const size = Math.abs(force);
      // Of equals, those that come first stay.
      if (size === 0 || (count === most && size <= weakest)) continue;
      let at = count < most ? count++ : most - 1;
      for (; at > 0 && Math.abs(forces[at - 1] as number) < size; at--) {
        best[at] = best[at - 1] as number;
        forces[at] = forces[at - 1] as number;
      }
      best[at] = passage;
      forces[at] = force;
      weakest = Math.abs(forces[count - 1] as number);
    }
    for (let i = 0; i < count; i++) this.#found.add(query, best[i] as number, forces[i] as number);
  }

  /** Once the step of the batch is taken. @param share of the peak learning rate */
  commit(share: number): void {
    const { ofSources } = this.#open();
    this.#batch = undefined;
    const { count, query, passage, force } = this.#found;
    for (let i = 0; i < count; i++) {
      const [of, on] = [query[i] as number, passage[i] as number];
      let place = this.#pairs.find(of, on);
      if (place < 0) {
        if (this.#pairs.size >= this.#mostPairs) this.#dropWeaker();
        place = this.#pairs.append(of, on);
      }
      this.#pairs.add(place, share * (force[i] as number));
    }
    ofSources.forEach((force, i) => (this.#ofSources[i] = (this.#ofSources[i] ?? 0) + share * force));
    this.#steps++;
  }

  /** Of equals, those that were met first stay. */
  #dropWeaker(): void {
    const columns = this.#pairs.columns();
    const strength = Float64Array.from(columns.push, (push, place) => push + (columns.pull[place] as number));
    const order = Uint32Array.from(strength.keys());
    order.sort((a, b) => (strength[b] as number) - (strength[a] as number) || a - b);
    const kept = order.subarray(0, order.length >> 1).sort();
    this.#droppedPairs += order.length - kept.length;
    this.#pairs.replace(columns, kept);
  }

  /** What was recorded so far, in the order in which it was met: restored, it goes on to the same bits. */
  snapshot(): ForceRecord {
    return {
      from: this.#from,
      to: this.#from + this.#steps,
      strongest: this.#strongest,
      droppedPairs: this.#droppedPairs,
      sources: this.#sources.texts.map((source, i) => ({
        source,
        push: this.#ofSources[2 * i] ?? 0,
        pull: this.#ofSources[2 * i + 1] ?? 0,
      })),
      queries: [...this.#queries.texts],
      passages: [...this.#passages.texts],
      ...this.#pairs.columns(),
    };
  }

  /** Goes on from a checkpoint. @param record undefined where it has none: recording begins after this step */
  restore(record: ForceRecord | undefined, step: number): void {
    const given = record ?? { ...new ForceRecorder().snapshot(), from: step };
    this.#batch = undefined;
    this.#queries.reset(given.queries);
    this.#passages.reset(given.passages);
    this.#sources.reset(given.sources.map(({ source }) => source));
    this.#ofSources = given.sources.flatMap(({ push, pull }) => [push, pull]);
    this.#from = given.from;
    this.#steps = step - given.from;
    this.#droppedPairs = given.droppedPairs;
    this.#pairs.replace(given, given.query.keys());
  }
}

function largest(slopes: Float64Array): number {
  let size = 0;
  for (let i = 0; i < slopes.length; i++) {
    const slope = Math.abs(slopes[i] as number);
    if (slope > size) size = slope;
  }
  return size;
}

/** Forces of a batch, in room that is used again for the next. */
class FoundForces {
  count = 0;
  query = new Int32Array(1024);
  passage = new Int32Array(1024);
  force = new Float64Array(1024);

  add(query: number, passage: number, force: number): void {
    if (this.count === this.query.length) {
      this.query = doubled(this.query, new Int32Array(2 * this.count));
      this.passage = doubled(this.passage, new Int32Array(2 * this.count));
      this.force = doubled(this.force, new Float64Array(2 * this.count));
    }
    this.query[this.count] = query;
    this.passage[this.count] = passage;
    this.force[this.count++] = force;
  }

  clear(): void {
    this.count = 0;
  }
}

function doubled<T extends Int32Array | Float64Array>(values: T, room: T): T {
  room.set(values);
  return room;
}

/** Numbers texts from 0 in the order in which they are met. */
class Numbers {
  texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  ofAll(texts: readonly string[]): Int32Array {
    const numbers = new Int32Array(texts.length);
    for (let i = 0; i < texts.length; i++) numbers[i] = this.#of(texts[i] as string);
    return numbers;
  }

  #of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.texts.length;
    this.#numbers.set(text, number);
    this.texts.push(text);
    return number;
  }

  reset(texts: readonly string[]): void {
    this.#numbers.clear();
    this.texts = [];
    this.ofAll(texts);
  }
}
