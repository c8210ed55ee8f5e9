/**
 * Distinct-n: distinct n-grams over all n-grams of a set of texts, from 0 to 1. Texts that say the same have few. It
 * falls with the amount of text, so compare sets of about one size.
 * Source: Li et al. 2016, arXiv 1510.03055.
 *
 * @returns NaN where no text has n words
 */
export function distinctN(texts: Iterable<readonly string[]>, n: number): number {
  const seen = new Set<string>();
  let all = 0;
  for (const words of texts) {
    for (let from = 0; from + n <= words.length; from++) {
      seen.add(words.slice(from, from + n).join(' '));
      all++;
    }
  }
  return all === 0 ? NaN : seen.size / all;
}
