/** Items with their scores, best first. */
export interface ScoredItems {
  readonly items: Int32Array<ArrayBuffer>;
  readonly scores: Float32Array<ArrayBuffer>;
}

/**
 * Keeps the best k of many scored items: highest float32 score first, equal scores by item, lowest first. Callers
 * number their documents in the order that breaks ties. The result does not depend on the order of the offers.
 *
 * A binary heap with the worst kept item on top, in two typed arrays.
 */
export class TopK {
  readonly #items: Int32Array<ArrayBuffer>;
  readonly #scores: Float32Array<ArrayBuffer>;
  #size = 0;

  constructor(k: number) {
    this.#items = new Int32Array(k);
    this.#scores = new Float32Array(k);
  }

  /** A score below this cannot enter any more. */
  get threshold(): number {
    return this.#size < this.#items.length ? -Infinity : (this.#scores[0] as number);
  }

  /** `score` must be a float32 value and not NaN. */
  offer(item: number, score: number): void {
    if (this.#size < this.#items.length) {
      this.#rise(this.#size++, item, score);
    } else if (this.#size > 0 && isBetter(item, score, this.#items[0] as number, this.#scores[0] as number)) {
      this.#sink(0, this.#size, item, score);
    }
  }

  /** The kept items, best first. Empties the heap. */
  take(): ScoredItems {
    const size = this.#size;
    // Heap sort: the worst goes to the end, again and again.
    for (let last = size - 1; last > 0; last--) {
      const item = this.#items[last] as number;
      const score = this.#scores[last] as number;
      this.#items[last] = this.#items[0] as number;
      this.#scores[last] = this.#scores[0] as number;
      this.#sink(0, last, item, score);
    }
    this.#size = 0;
    return { items: this.#items.slice(0, size), scores: this.#scores.slice(0, size) };
  }

  /** Puts an item at a free leaf and moves it up. */
  #rise(position: number, item: number, score: number): void {
    const items = this.#items;
    const scores = this.#scores;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const parentItem = items[parent] as number;
      const parentScore = scores[parent] as number;
      if (!isBetter(parentItem, parentScore, item, score)) break;
      items[position] = parentItem;
      scores[position] = parentScore;
      position = parent;
    }
    items[position] = item;
    scores[position] = score;
  }

  /** Puts an item at a free inner place and moves it down, within the first `size` places. */
  #sink(position: number, size: number, item: number, score: number): void {
    const items = this.#items;
    const scores = this.#scores;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= size) break;
      let childItem = items[child] as number;
      let childScore = scores[child] as number;
      if (child + 1 < size) {
        const otherItem = items[child + 1] as number;
        const otherScore = scores[child + 1] as number;
        if (isBetter(childItem, childScore, otherItem, otherScore)) {
          child++;
          childItem = otherItem;
          childScore = otherScore;
        }
      }
      if (!isBetter(item, score, childItem, childScore)) break;
      items[position] = childItem;
      scores[position] = childScore;
      position = child;
    }
    items[position] = item;
    scores[position] = score;
  }
}

function isBetter(item: number, score: number, otherItem: number, otherScore: number): boolean {
  return score > otherScore || (score === otherScore && item < otherItem);
}
