/**
 * Queries taken from a passage itself, without a language model: what the inverse cloze task (Lee, Chang, Toutanova 2019,
 * arXiv 1906.00300) and independent cropping (Izacard et al. 2022, arXiv 2112.09118) train dense retrievers with.
 */
import type { RandomStream } from '../core/random.ts';
import { createAnalyzer } from '../retrieval/analyzer.ts';

/** Words of a clause: shorter ones say too little, longer ones are cropped at random. */
const clauseWords = { least: 4, most: 12 };
/** Words of a line of keywords. */
const keywordCount = { least: 3, most: 5 };

/** What separates clauses: punctuation at the end of a word or before one, and dashes. */
const boundaries = /[.!?;:,)\]"”»…]+(?:\s+|$)|(?:^|\s+)[-(["“„«]+|\s*[–—]\s*|[。！？；：，、]+/u;

/**
 * Clauses of a passage: up to `count`, each in the passage's words, no two the same.
 * @returns fewer where the passage has fewer; the whole passage where it has no clause
 */
export function extractClauses(passage: string, count: number, random: RandomStream): readonly string[] {
  const parts = passage
    .split(boundaries)
    .map((part) => part.trim().split(/\s+/u))
    .filter((words) => words.length >= clauseWords.least);
  const clauses = parts.length > 0 ? parts : [passage.trim().split(/\s+/u)];
  const found = new Set<string>();
  for (const words of random.shuffle([...clauses])) {
    if (found.size === count) break;
    found.add(cropped(words, random).join(' '));
  }
  // A passage of few clauses has other crops of the long ones.
  const long = clauses.filter(({ length }) => length > clauseWords.most);
  for (let i = 0; found.size < count && i < long.length * clauseWords.most; i++) {
    found.add(cropped(long[i % long.length] ?? [], random).join(' '));
  }
  return [...found];
}

/** At most {@link clauseWords}.most words in a row, from a random place. */
function cropped(words: readonly string[], random: RandomStream): readonly string[] {
  const spare = words.length - clauseWords.most;
  if (spare <= 0) return words;
  const start = random.integer(spare + 1);
  return words.slice(start, start + clauseWords.most);
}

const analyzer = createAnalyzer('english');

/**
 * Lines of keywords of a passage: up to `count`, each of three to five different words that say something, in the order
 * of the passage.
 * @returns fewer where the passage has too few words for so many different lines
 */
export function extractKeywords(passage: string, count: number, random: RandomStream): readonly string[] {
  const words = new Map<string, string>();
  for (const word of passage.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu) ?? []) {
    const [term] = analyzer.analyze(word);
    if (term !== undefined && !words.has(term)) words.set(term, word);
  }
  const all = [...words.values()];
  const found = new Set<string>();
  for (let tries = 0; found.size < count && tries < 4 * count && all.length > 0; tries++) {
    const size = keywordCount.least + random.integer(keywordCount.most - keywordCount.least + 1);
    const chosen = new Set(random.shuffle([...all]).slice(0, size));
    found.add(all.filter((word) => chosen.has(word)).join(' '));
  }
  return [...found];
}
