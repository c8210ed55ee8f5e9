import type { ScoreGradients } from '../similarity.ts';
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
  /** With one more, the weaker half is dropped; 2^19 by default, which take 10 MB. */
  readonly mostPairs?: number;
}

export const strongestPerList = 16;
export const mostRecordedPairs = 2 ** 19;

/** A batch while its loss is computed. */
interface OpenBatch {
  readonly queries: readonly string[];
  /** Distinct ids, and for each passage of the batch the place of its own. */
  readonly ids: readonly string[];
  readonly idOf: Int32Array;
  /** For each passage of the batch the place of its source. */
  readonly sourceOf: Int32Array;
  readonly sources: readonly string[];
  readonly sourcePush: Float64Array;
  readonly sourcePull: Float64Array;
  /** Of what is to be recorded: list, id and force, one after the other. */
  readonly found: number[];
  /** Force on each distinct id in the row at work, and whether it has one. */
  readonly sums: Float64Array;
  readonly isMet: Uint8Array;
}

/**
 * Adds up how strongly each list pulls and pushes passages: −∂loss/∂score, the loss being the list's own, so that it does
 * not depend on how many lists a batch has. A positive force raises the score (pull), a negative one lowers it (push).
 * In each step the strongest few of every list are kept, weighted by the step's share of the peak learning rate.
 */
export class ForceRecorder {
  readonly #strongest: number;
  readonly #mostPairs: number;
  readonly #queries = new Numbers();
  readonly #passages = new Numbers();
  readonly #sources = new Map<string, { push: number; pull: number }>();
  /** From a query's and a passage's number to the place of the pair. */
  #places = new Map<number, number>();
  #query = new Uint32Array(1024);
  #passage = new Uint32Array(1024);
  #push = new Float32Array(1024);
  #pull = new Float32Array(1024);
  #times = new Uint32Array(1024);
  #droppedPairs = 0;
  #from = 0;
  #steps = 0;
  #batch: OpenBatch | undefined;

  constructor({ strongest = strongestPerList, mostPairs = mostRecordedPairs }: RecorderOptions = {}) {
    this.#strongest = strongest;
    this.#mostPairs = mostPairs;
  }

  /** Before the loss of a batch is computed: what was noted of one that was not finished is forgotten. */
  begin({ queries, passages, sources }: RecordedBatch): void {
    const ids = new Numbers();
    const names = new Numbers();
    const idOf = Int32Array.from(passages, (id) => ids.of(id));
    const sourceOf = Int32Array.from(sources, (name) => names.of(name));
    this.#batch = {
      ...{ queries, ids: ids.all, idOf, sources: names.all, sourceOf, found: [] },
      sourcePush: new Float64Array(names.all.length),
      sourcePull: new Float64Array(names.all.length),
      sums: new Float64Array(ids.all.length),
      isMet: new Uint8Array(ids.all.length),
    };
  }

  note(block: ScoreGradients): void {
    const batch = this.#batch;
    if (batch === undefined) throw new TypeError('no batch was begun');
    const { idOf, sourceOf, sourcePush, sourcePull, sums, isMet } = batch;
    const { from, rows, columns, gradient } = block;
    const lists = batch.queries.length;
    const touched = new Int32Array(sums.length);
    for (let row = 0; row < rows; row++) {
      let count = 0;
      for (let column = 0; column < columns; column++) {
        const slope = gradient[row * columns + column] as number;
        if (slope === 0) continue;
        const force = -slope * lists;
        const passage = block.passage(from + row, column);
        const source = sourceOf[passage] as number;
        if (force < 0) sourcePush[source] = (sourcePush[source] as number) - force;
        else sourcePull[source] = (sourcePull[source] as number) + force;
        // A document may stand in several columns.
        const id = idOf[passage] as number;
        if (isMet[id] === 0) touched[count++] = id;
        isMet[id] = 1;
        sums[id] = (sums[id] as number) + force;
      }
      this.#keepStrongest(batch, from + row, touched.subarray(0, count));
    }
  }

  #keepStrongest({ sums, isMet, found }: OpenBatch, list: number, touched: Int32Array): void {
    const ids: number[] = [];
    for (const id of touched) {
      const size = Math.abs(sums[id] as number);
      let at = ids.length;
      while (at > 0 && Math.abs(sums[ids[at - 1] as number] as number) < size) at--;
      if (at === this.#strongest) continue;
      ids.splice(at, 0, id);
      if (ids.length > this.#strongest) ids.pop();
    }
    for (const id of ids) found.push(list, id, sums[id] as number);
    for (const id of touched) sums[id] = isMet[id] = 0;
  }

  /** Once the step of the batch is taken. @param share of the peak learning rate */
  commit(share: number): void {
    const batch = this.#batch;
    if (batch === undefined) throw new TypeError('no batch was begun');
    this.#batch = undefined;
    const { queries, ids, found, sources, sourcePush, sourcePull } = batch;
    for (let at = 0; at < found.length; at += 3) {
      const query = this.#queries.of(queries[found[at] as number] as string);
      const passage = this.#passages.of(ids[found[at + 1] as number] as string);
      this.#add(query, passage, share * (found[at + 2] as number));
    }
    sources.forEach((name, i) => {
      const { push, pull } = this.#sources.get(name) ?? { push: 0, pull: 0 };
      this.#sources.set(name, {
        push: push + share * (sourcePush[i] as number),
        pull: pull + share * (sourcePull[i] as number),
      });
    });
    this.#steps++;
  }

  #add(query: number, passage: number, force: number): void {
    const key = query * mostIds + passage;
    let place = this.#places.get(key);
    if (place === undefined) {
      if (this.#places.size >= this.#mostPairs) this.#dropWeakest();
      place = this.#places.size;
      if (place === this.#query.length) this.#grow();
      this.#places.set(key, place);
      this.#query[place] = query;
      this.#passage[place] = passage;
    }
    const sums = force < 0 ? this.#push : this.#pull;
    sums[place] = (sums[place] as number) + Math.abs(force);
    this.#times[place] = (this.#times[place] as number) + 1;
  }

  #grow(): void {
    const size = 2 * this.#query.length;
    const wider = <T extends Uint32Array | Float32Array>(made: T, column: T): T => {
      made.set(column);
      return made;
    };
    this.#query = wider(new Uint32Array(size), this.#query);
    this.#passage = wider(new Uint32Array(size), this.#passage);
    this.#push = wider(new Float32Array(size), this.#push);
    this.#pull = wider(new Float32Array(size), this.#pull);
    this.#times = wider(new Uint32Array(size), this.#times);
  }

  /** Of equals, those that were met first stay. */
  #dropWeakest(): void {
    const record = this.snapshot();
    const strength = Float64Array.from(record.push, (push, place) => push + (record.pull[place] as number));
    const order = Uint32Array.from(strength.keys());
    order.sort((a, b) => (strength[b] as number) - (strength[a] as number) || a - b);
    const kept = order.subarray(0, Math.ceil(order.length / 2)).sort();
    this.#droppedPairs += order.length - kept.length;
    this.#fill(record, kept);
  }

  #fill({ query, passage, push, pull, times }: ForceRecord, kept: Uint32Array): void {
    this.#places = new Map();
    for (const column of [this.#push, this.#pull, this.#times]) column.fill(0);
    while (this.#query.length < kept.length) this.#grow();
    kept.forEach((from, to) => {
      this.#query[to] = query[from] as number;
      this.#passage[to] = passage[from] as number;
      this.#push[to] = push[from] as number;
      this.#pull[to] = pull[from] as number;
      this.#times[to] = times[from] as number;
      this.#places.set((query[from] as number) * mostIds + (passage[from] as number), to);
    });
  }

  /** What was recorded so far, in the order in which it was met: restored, it goes on to the same bits. */
  snapshot(): ForceRecord {
    const pairs = this.#places.size;
    return {
      from: this.#from,
      to: this.#from + this.#steps,
      strongest: this.#strongest,
      droppedPairs: this.#droppedPairs,
      sources: [...this.#sources].map(([source, { push, pull }]) => ({ source, push, pull })),
      queries: [...this.#queries.all],
      passages: [...this.#passages.all],
      query: this.#query.slice(0, pairs),
      passage: this.#passage.slice(0, pairs),
      push: this.#push.slice(0, pairs),
      pull: this.#pull.slice(0, pairs),
      times: this.#times.slice(0, pairs),
    };
  }

  /** Goes on from a checkpoint. @param record undefined where it has none: recording begins after this step */
  restore(record: ForceRecord | undefined, step: number): void {
    const given = record ?? { ...new ForceRecorder().snapshot(), from: step };
    this.#batch = undefined;
    this.#queries.reset(given.queries);
    this.#passages.reset(given.passages);
    this.#sources.clear();
    for (const { source, push, pull } of given.sources) this.#sources.set(source, { push, pull });
    this.#from = given.from;
    this.#steps = step - given.from;
    this.#droppedPairs = given.droppedPairs;
    this.#fill(given, Uint32Array.from(given.query.keys()));
  }
}

/** A query's number times this, plus a passage's, is exact and tells pairs apart. */
const mostIds = 2 ** 26;

/** Numbers texts from 0 in the order in which they are met. */
class Numbers {
  all: string[] = [];
  readonly #byText = new Map<string, number>();

  of(text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const number = this.all.length;
    this.#byText.set(text, number);
    this.all.push(text);
    return number;
  }

  reset(texts: readonly string[]): void {
    this.#byText.clear();
    this.all = [];
    for (const text of texts) this.of(text);
  }
}
