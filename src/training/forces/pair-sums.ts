import type { ForceRecord } from './record.ts';

/** The part of a record that grows with its pairs. */
export type PairColumns = Pick<ForceRecord, 'query' | 'passage' | 'push' | 'pull' | 'times'>;

/**
 * Sums of push and pull by pair, in the order in which pairs were met: columns that grow, and an open hash table of
 * their places. (A Map keyed by pairs takes several times the time and the memory.)
 */
export class PairSums {
  #columns = emptyColumns(1024);
  /** One more than the place of a pair, at the first free slot from the pair's hash on. */
  #slots = new Int32Array(2 * 1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The place of a pair, or −1. */
  find(query: number, passage: number): number {
    return (this.#slots[this.#slotOf(query, passage)] as number) - 1;
  }

  /** A pair that is not there yet. @returns its place */
  append(query: number, passage: number): number {
    const place = this.#size++;
    if (place === this.#columns.query.length) this.#grow();
    this.#columns.query[place] = query;
    this.#columns.passage[place] = passage;
    this.#slots[this.#slotOf(query, passage)] = place + 1;
    return place;
  }

  add(place: number, force: number): void {
    const { push, pull, times } = this.#columns;
    const sums = force < 0 ? push : pull;
    sums[place] = (sums[place] as number) + Math.abs(force);
    times[place] = (times[place] as number) + 1;
  }

  /** Copies. */
  columns(): PairColumns {
    const { query, passage, push, pull, times } = this.#columns;
    const used = this.#size;
    return {
      query: query.slice(0, used),
      passage: passage.slice(0, used),
      push: push.slice(0, used),
      pull: pull.slice(0, used),
      times: times.slice(0, used),
    };
  }

  /** Holds these pairs of others and nothing else. @param places in their order */
  replace(columns: PairColumns, places: Iterable<number>): void {
    this.#columns = emptyColumns(1024);
    this.#slots = new Int32Array(2 * 1024);
    this.#size = 0;
    for (const from of places) {
      const to = this.append(columns.query[from] as number, columns.passage[from] as number);
      this.#columns.push[to] = columns.push[from] as number;
      this.#columns.pull[to] = columns.pull[from] as number;
      this.#columns.times[to] = columns.times[from] as number;
    }
  }

  #slotOf(query: number, passage: number): number {
    const { query: queries, passage: passages } = this.#columns;
    const last = this.#slots.length - 1;
    let slot = (Math.imul(query, 0x9e3779b1) ^ Math.imul(passage, 0x85ebca6b)) >>> 7;
    for (slot &= last; ; slot = (slot + 1) & last) {
      const place = (this.#slots[slot] as number) - 1;
      if (place < 0 || (queries[place] === query && passages[place] === passage)) return slot;
    }
  }

  #grow(): void {
    const old = this.#columns;
    const size = 2 * old.query.length;
    this.#columns = emptyColumns(size);
    this.#columns.query.set(old.query);
    this.#columns.passage.set(old.passage);
    this.#columns.push.set(old.push);
    this.#columns.pull.set(old.pull);
    this.#columns.times.set(old.times);
    // At most half full, so that a free slot is near.
    this.#slots = new Int32Array(2 * size);
    old.query.forEach((query, place) => {
      this.#slots[this.#slotOf(query, old.passage[place] as number)] = place + 1;
    });
  }
}

function emptyColumns(size: number): PairColumns {
  return {
    query: new Uint32Array(size),
    passage: new Uint32Array(size),
    push: new Float32Array(size),
    pull: new Float32Array(size),
    times: new Uint32Array(size),
  };
}
