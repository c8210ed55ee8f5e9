import { copyString, createAnalyzer } from './analyzer.ts';

/** The numbers of a text's distinct words, ascending. */
export type TokenSet = Int32Array;

/** The share of common words: |A ∩ B| / |A ∪ B|, from 0 to 1; 1 for two texts without words. */
export function tokenJaccard(left: TokenSet, right: TokenSet): number {
  let i = 0;
  let j = 0;
  let common = 0;
  while (i < left.length && j < right.length) {
    const difference = (left[i] as number) - (right[j] as number);
    if (difference === 0) common++;
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
  const all = left.length + right.length - common;
  return all === 0 ? 1 : common / all;
}

/** Numbers the words of texts: words in lower case, of any language, as the plain analyzer of BM25 splits them. */
export class TokenSets {
  readonly #analyzer = createAnalyzer('plain');
  readonly #words = new Map<string, number>();
  readonly #sets = new Map<string, TokenSet>();

  of(text: string): TokenSet {
    let set = this.#sets.get(text);
    if (set === undefined) {
      const numbers = new Set(this.#analyzer.analyze(text).map((word) => this.#numberOf(word)));
      set = Int32Array.from(numbers).sort();
      this.#sets.set(text, set);
    }
    return set;
  }

  #numberOf(word: string): number {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const number = this.#words.size;
    this.#words.set(copyString(word), number);
    return number;
  }
}
