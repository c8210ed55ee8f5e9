import { InputError } from '../core/errors.ts';
import { quoted } from '../core/shown.ts';
import type { TextDocument, TextSection } from './types.ts';

/** How a long text becomes passages. */
export type TextSplit =
  | { readonly by: 'none' }
  /** Words of a passage, at most, and how many of them it has in common with the one before. */
  | { readonly by: 'words'; readonly words: number; readonly overlap: number }
  /** A passage for each section; sections with more words are split further. */
  | { readonly by: 'headings'; readonly words: number; readonly overlap: number };

/** Short enough for encoders with a limit of 256 tokens. */
export const DEFAULT_SPLIT: TextSplit = { by: 'words', words: 180, overlap: 30 };

const MAX_WORDS = 10_000;

/** Reads `none`, `words:180:30` or `headings:180:30`; the numbers may be left out. @throws InputError */
export function parseTextSplit(text: string): TextSplit {
  const [, by, words = '180', overlap] =
    /^(none|words|headings)(?::(\d{1,6}))?(?::(\d{1,6}))?$/.exec(text) ?? [];
  const count = Number(words);
  const shared = overlap === undefined ? Math.floor(count / 6) : Number(overlap);
  if (by === 'none' && text === 'none') return { by };
  if ((by === 'words' || by === 'headings') && count >= 1 && count <= MAX_WORDS && shared <= count / 2) {
    return { by, words: count, overlap: shared };
  }
  throw new InputError(`the split is ${quoted(text)}`, {
    remedy:
      'Use none, words:180:30 or headings:180:30: words of a passage, and an overlap of at most half of them',
  });
}

/** One passage of a text. */
export interface TextPassage {
  readonly title: string;
  readonly text: string;
  readonly page?: number;
}

/** The passages of a text, in their order; none for a text without words. */
export function* splitText(document: TextDocument, split: TextSplit): Generator<TextPassage> {
  const { title, sections } = document;
  if (split.by === 'headings') {
    for (const section of sections) {
      const titles = [title, ...section.headings].filter(
        (each, i, all) => each !== '' && each !== all[i - 1],
      );
      for (const { text, page } of windows([section], split)) {
        yield { title: titles.join(' – '), text, ...(page !== undefined && { page }) };
      }
    }
    return;
  }
  for (const { text, page } of windows(sections, split)) {
    yield { title, text, ...(page !== undefined && { page }) };
  }
}

/** A run without white space, cut where it is longer than any word; of scripts without spaces, a letter. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]{1,200}/gu;

/** How many words a text has. */
export function countWords(text: string): number {
  let count = 0;
  const words = text.matchAll(WORD);
  while (words.next().done !== true) count++;
  return count;
}

function* windows(
  sections: readonly TextSection[],
  split: TextSplit,
): Generator<{ readonly text: string; readonly page: number | undefined }> {
  const parts: string[] = [];
  const starts: number[] = [];
  let length = 0;
  let above: readonly string[] = [];
  for (const { headings, text } of sections) {
    // Where a passage is not a section, headings are part of the text; each once.
    const shown = split.by === 'headings' ? [] : headings.filter((heading, i) => heading !== above[i]);
    above = headings;
    const part = [...shown, text].join('\n');
    starts.push(length);
    parts.push(part);
    length += part.length + 2;
  }
  const text = parts.join('\n\n');
  const pageAt = (offset: number): number | undefined => sections[lastAtOrBefore(starts, offset)]?.page;
  if (split.by === 'none') {
    if (text !== '') yield { text, page: pageAt(0) };
    return;
  }
  // Words are looked for as passages are asked for: a book is not in memory once more.
  const found = text.matchAll(WORD);
  let words: Word[] = [];
  for (;;) {
    while (words.length <= split.words) {
      const { value } = found.next();
      if (value === undefined) break;
      words.push({ start: value.index, end: value.index + value[0].length });
    }
    const [first] = words;
    if (first === undefined) return;
    const end = windowEnd(text, words, split.words);
    yield { text: text.slice(first.start, words[end - 1]?.end).trim(), page: pageAt(first.start) };
    if (end === words.length) return;
    words = words.slice(Math.max(1, end - split.overlap));
  }
}

interface Word {
  readonly start: number;
  readonly end: number;
}

/** How many words a passage takes: all, or up to a sentence's end in its last quarter, or as many as it may have. */
function windowEnd(text: string, words: readonly Word[], most: number): number {
  if (words.length <= most) return words.length;
  for (let end = most; end > most - most / 4; end--) {
    const word = words[end - 1];
    if (word === undefined) continue;
    const tail = text.slice(Math.max(word.start, word.end - 4), word.end);
    if (/[.!?…。！？]["'”’)\]]*$/.test(tail)) return end;
  }
  return most;
}

function lastAtOrBefore(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
