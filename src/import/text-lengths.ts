import { RandomStream } from '../core/random.ts';
import { countWords } from './split-texts.ts';

/** How texts are counted in the tokens of an encoder. */
export interface TokenCounter {
  readonly count: (text: string) => number;
  /** Tokens of a passage that the encoder reads. */
  readonly limit: number;
}

// A type alias, so that it is assignable to Json.
export type LengthReport = Readonly<{
  words: Readonly<{ median: number; p95: number; longest: number }>;
  /** Of a random sample of the passages; null without a tokenizer. */
  tokens: Readonly<{ limit: number; sampled: number; median: number; p95: number; longer: number }> | null;
}>;

const SAMPLE = 2000;
/** Longer ones count as this long in the percentiles. */
const MOST_WORDS = 20_000;

/** The lengths of passages, which are not kept but for a sample. */
export class TextLengths {
  readonly #words = new Uint32Array(MOST_WORDS + 1);
  readonly #sample: string[] = [];
  readonly #random = new RandomStream(0, 'lengths of imported texts');
  #count = 0;
  #longest = 0;

  add(text: string): void {
    const words = countWords(text);
    const place = Math.min(words, MOST_WORDS);
    this.#words[place] = (this.#words[place] as number) + 1;
    this.#longest = Math.max(this.#longest, words);
    this.#count++;
    if (this.#sample.length < SAMPLE) this.#sample.push(text);
    else {
      const at = this.#random.integer(this.#count);
      if (at < SAMPLE) this.#sample[at] = text;
    }
  }

  async report(
    tokens: TokenCounter | undefined,
    turn: () => Promise<void> | undefined,
  ): Promise<LengthReport> {
    const words = { median: this.#percentile(0.5), p95: this.#percentile(0.95), longest: this.#longest };
    if (tokens === undefined || this.#sample.length === 0) return { words, tokens: null };
    const counts: number[] = [];
    for (const text of this.#sample) {
      await turn();
      counts.push(tokens.count(text));
    }
    counts.sort((a, b) => a - b);
    const at = (share: number): number => counts[Math.ceil(share * counts.length) - 1] ?? 0;
    return {
      words,
      tokens: {
        ...{ limit: tokens.limit, sampled: counts.length, median: at(0.5), p95: at(0.95) },
        longer: counts.filter((count) => count > tokens.limit).length,
      },
    };
  }

  #percentile(share: number): number {
    const wanted = Math.ceil(share * this.#count);
    let below = 0;
    for (let words = 0; words <= MOST_WORDS; words++) {
      below += this.#words[words] as number;
      if (below >= wanted) return words;
    }
    return MOST_WORDS;
  }
}
