import type { ForceRecord } from './record.ts';

/** The part of a record that grows with its pairs. */
export type PairColumns = Pick<ForceRecord, 'query' | 'passage' | 'push' | 'pull' | 'times'>;

/** Numbers of a pair: query, passage, push, pull, times. */
const width = 5;

/**
 * Sums of push and pull by pair, in the order in which pairs were met, with an open hash table of their places. (A Map
 * keyed by pairs takes several times the time and the memory.) The numbers of a pair lie side by side, so that adding to
 * it costs one look at memory.
 */
export class PairSums {
  #numbers = new Uint32Array(width * 1024);
  /** The same memory: push and pull are fractions. */
  #sums = new Float32Array(this.#numbers.buffer);
  /** One more than the place of a pair, at the first free slot from the pair's hash on; at most half are taken. */
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
    if (width * place === this.#numbers.length) this.#grow();
    this.#numbers[width * place] = query;
    this.#numbers[width * place + 1] = passage;
    this.#slots[this.#slotOf(query, passage)] = place + 1;
    return place;
  }

  add(place: number, force: number): void {
    const at = width * place;
    const sum = force < 0 ? at + 2 : at + 3;
    this.#sums[sum] = (this.#sums[sum] as number) + Math.abs(force);
    this.#numbers[at + 4] = (this.#numbers[at + 4] as number) + 1;
  }

  /** Copies. */
  columns(): PairColumns {
    const columns: PairColumns = {
      query: new Uint32Array(this.#size),
      passage: new Uint32Array(this.#size),
      push: new Float32Array(this.#size),
      pull: new Float32Array(this.#size),
      times: new Uint32Array(this.#size),
    };
    for (let place = 0, at = 0; place < this.#size; place++, at += width) {
      columns.query[place] = this.#numbers[at] as number;
      columns.passage[place] = this.#numbers[at + 1] as number;
      columns.push[place] = this.#sums[at + 2] as number;
      columns.pull[place] = this.#sums[at + 3] as number;
      columns.times[place] = this.#numbers[at + 4] as number;
    }
    return columns;
  }

  /** Holds these pairs of others and nothing else. @param places in their order */
  replace(columns: PairColumns, places: Iterable<number>): void {
    this.#numbers.fill(0);
    this.#slots.fill(0);
    this.#size = 0;
    for (const from of places) {
      const at = width * this.append(columns.query[from] as number, columns.passage[from] as number);
      this.#sums[at + 2] = columns.push[from] as number;
      this.#sums[at + 3] = columns.pull[from] as number;
      this.#numbers[at + 4] = columns.times[from] as number;
    }
  }

  #slotOf(query: number, passage: number): number {
    const last = this.#slots.length - 1;
    let slot = (Math.imul(query, 0x9e3779b1) ^ Math.imul(passage, 0x85ebca6b)) >>> 7;
    for (slot &= last; ; slot = (slot + 1) & last) {
      const at = width * ((this.#slots[slot] as number) - 1);
      if (at < 0 || (this.#numbers[at] === query && this.#numbers[at + 1] === passage)) return slot;
    }
  }

  #grow(): void {
    const numbers = new Uint32Array(4 * this.#numbers.length);
    numbers.set(this.#numbers);
    const pairs = this.#numbers.length / width;
    this.#numbers = numbers;
    this.#sums = new Float32Array(numbers.buffer);
    this.#slots = new Int32Array(4 * this.#slots.length);
    for (let place = 0; place < pairs; place++) {
      const at = width * place;
      this.#slots[this.#slotOf(numbers[at] as number, numbers[at + 1] as number)] = place + 1;
    }
  }
}
