import { passageText } from '../../corpus/documents.ts';
import { textKey } from '../../corpus/text-key.ts';
import type { Document } from '../../corpus/types.ts';
import { RandomStream } from '../../core/random.ts';

/** Shorter ones are headings, numbers and the like. */
const fewestWords = 4;
const spanWords = { least: 3, most: 9 };
const phraseWords = { least: 2, most: 6 };

/**
 * The texts that a document gives a student to learn from: the whole passage, as retrieval embeds it, its title, each
 * sentence, and from each sentence a run of three to nine words, about as long as queries are.
 */
export function documentTexts(document: Document, seed: number): string[] {
  const texts = [passageText(document)];
  if (document.title.trim() !== '') texts.push(document.title.trim());
  const random = new RandomStream(seed, 'spans', document.id);
  for (const { segment } of sentences.segment(document.text)) {
    const words = segment.trim().split(/\s+/);
    if (words.length < fewestWords) continue;
    texts.push(words.join(' '));
    const length = spanWords.least + random.integer(spanWords.most - spanWords.least + 1);
    if (words.length <= length) continue;
    const start = random.integer(words.length - length + 1);
    texts.push(words.slice(start, start + length).join(' '));
  }
  return texts;
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/**
 * Every word by itself, then runs of two to six words drawn at random: what a teacher makes of words that the
 * documents seldom or never use.
 */
export function wordTexts(words: readonly string[], phrases: number, seed: number): string[] {
  const random = new RandomStream(seed, 'phrases');
  const drawn = Array.from({ length: phrases }, () => {
    const length = phraseWords.least + random.integer(phraseWords.most - phraseWords.least + 1);
    return Array.from({ length }, () => words[random.integer(words.length)]).join(' ');
  });
  return [...words, ...drawn];
}

/** Each text once, but for the forbidden ones; equal up to case, spaces and Unicode form. */
export function distinctTexts(texts: Iterable<string>, forbidden: Iterable<string> = []): string[] {
  const known = new Set(Array.from(forbidden, textKey));
  known.add('');
  const distinct: string[] = [];
  for (const text of texts) {
    const key = textKey(text);
    if (known.has(key)) continue;
    known.add(key);
    distinct.push(text);
  }
  return distinct;
}
