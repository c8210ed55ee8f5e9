import type { TextTokenizer } from './types.ts';

/** Words that are looked up at most. */
const mostWords = 4000;

/**
 * The share of the words of texts, repeated ones counted again, that a vocabulary has as a whole. A word that it has only
 * in pieces, or not at all, is one that its model has hardly seen: English texts have most of theirs in an English
 * vocabulary, those of other languages few.
 * @returns undefined where there are no words
 */
export function vocabularyCover(tokenizer: TextTokenizer, texts: readonly string[]): number | undefined {
  const tokensOf = (text: string): Int32Array => tokenizer.encode(text, 64);
  const around = tokensOf('').length;
  const isWhole = new Map<string, boolean>();
  // A letter of Old Persian, which no vocabulary has.
  const unknown = tokensOf('\u{103A0}').join();
  let words = 0;
  let whole = 0;
  const perText = Math.max(1, Math.ceil(mostWords / Math.max(1, texts.length)));
  for (const text of texts) {
    for (const word of (text.toLowerCase().match(/\p{L}+/gu) ?? []).slice(0, perText)) {
      let known = isWhole.get(word);
      if (known === undefined) {
        const tokens = tokensOf(word);
        known = tokens.length === around + 1 && tokens.join() !== unknown;
        isWhole.set(word, known);
      }
      words++;
      if (known) whole++;
    }
  }
  return words === 0 ? undefined : whole / words;
}
