/**
 * De-duplication of a corpus as in "Listwise distillation with diverse synthetic queries" (arXiv 2502.19712, and
 * its code): a text is dropped if, normalized, it is a substring of one of the next nine in sorted order; then the same
 * with all texts reversed. That finds prefixes and suffixes of other texts, not every substring.
 */

/** How many texts that follow are compared. */
const WINDOW = 9;
/** Shorter normalized texts are ignored. */
const MIN_CHARACTERS = 10;

export interface Deduplication {
  /** Indices of the texts that are kept, ascending. */
  readonly kept: readonly number[];
  /** Normalized to fewer than 10 characters. */
  readonly tooShort: number;
  /** A part of a text that begins as it does. */
  readonly prefixes: number;
  /** A part of a text that ends as it does. */
  readonly suffixes: number;
}

/**
 * Which texts to keep; of equal texts the first. Holds the normalized texts in memory.
 * Time: sorting, and nine searches for each text.
 */
export function deduplicate(texts: readonly string[]): Deduplication {
  const normalized = texts.map(normalizeForDeduplication);
  const long = normalized.flatMap((text, index) => (text.length < MIN_CHARACTERS ? [] : [{ text, index }]));
  const noPrefixes = withoutPartsOfFollowing(long);
  const kept = withoutPartsOfFollowing(
    noPrefixes.map(({ text, index }) => ({ text: reversed(text), index })),
  );
  return {
    kept: kept.map(({ index }) => index).sort((a, b) => a - b),
    tooShort: texts.length - long.length,
    prefixes: long.length - noPrefixes.length,
    suffixes: noPrefixes.length - kept.length,
  };
}

/** NFKC without accents, in lower case, without digits and punctuation, white space squeezed. */
export function normalizeForDeduplication(text: string): string {
  return text
    .normalize('NFKC')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replace(/[\p{Nd}\p{P}\p{S}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
}

interface IndexedText {
  readonly text: string;
  readonly index: number;
}

function withoutPartsOfFollowing(texts: readonly IndexedText[]): readonly IndexedText[] {
  // Equal texts are sorted by descending index, so that the first one of the corpus comes last and is kept.
  const sorted = [...texts].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : b.index - a.index));
  return sorted.filter(
    ({ text }, i) => !sorted.slice(i + 1, i + 1 + WINDOW).some((following) => following.text.includes(text)),
  );
}

function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}
