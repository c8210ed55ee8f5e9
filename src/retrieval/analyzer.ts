import { stemmer } from 'stemmer';

/** `english`: as Lucene's EnglishAnalyzer. `plain`: words in lower case, for every other language. */
export const analyzerNames = ['english', 'plain'] as const;
export type AnalyzerName = (typeof analyzerNames)[number];

/** Turns text into the terms of a lexical index. */
export interface Analyzer {
  readonly name: AnalyzerName;
  /** The terms in the order of the text, repetitions included. */
  analyze(text: string): string[];
}

/** The 33 words that Lucene's EnglishAnalyzer leaves out. */
const STOP_WORDS = (
  'a an and are as at be but by for if in into is it no not of on or such ' +
  'that the their then there these they this to was will with'
).split(' ');

/** Words that are nothing but a suffix: Lucene and Porter's own programs stem these otherwise than the library does. */
const SUFFIXES = new Map([
  ['eed', 'eed'],
  ['eeds', 'eed'],
  ['ies', 'i'],
]);

/** A longer word is cut into pieces of this many UTF-16 units, as Lucene's StandardTokenizer does. */
const MAX_WORD_LENGTH = 255;

/** Stems kept; the memory it takes stays below some 50 MB. */
const MAX_CACHED_STEMS = 1 << 18;

export function createAnalyzer(name: AnalyzerName): Analyzer {
  return name === 'english' ? new EnglishAnalyzer() : new PlainAnalyzer();
}

/**
 * Words, possessive 's removed, lower case, Lucene's stop words left out, Porter's first stemmer. Words are those of
 * {@link splitWords}; Lucene also keeps `_`, and `:` between letters or `,` between digits, inside a word.
 */
class EnglishAnalyzer implements Analyzer {
  readonly name = 'english';
  /** Word → term, the empty string for a stop word. */
  readonly #terms = new Map<string, string>();

  constructor() {
    this.#forget();
  }

  analyze(text: string): string[] {
    const words = splitWords(text.toLowerCase());
    let count = 0;
    for (const word of words) {
      const term = this.#terms.get(word) ?? this.#remember(word);
      if (term !== '') words[count++] = term;
    }
    words.length = count;
    return words;
  }

  #remember(word: string): string {
    if (this.#terms.size >= MAX_CACHED_STEMS) this.#forget();
    const bare = withoutPossessive(word);
    const term = STOP_WORDS.includes(bare) ? '' : copyString(SUFFIXES.get(bare) ?? stemmer(bare));
    this.#terms.set(copyString(word), term);
    return term;
  }

  #forget(): void {
    this.#terms.clear();
    for (const word of STOP_WORDS) this.#terms.set(word, '');
  }
}

class PlainAnalyzer implements Analyzer {
  readonly name = 'plain';

  analyze(text: string): string[] {
    return splitWords(text.toLowerCase());
  }
}

function withoutPossessive(word: string): string {
  const apostrophe = word.length - 2;
  if (apostrophe < 0 || !word.endsWith('s')) return word;
  return isApostrophe(word.charCodeAt(apostrophe)) ? word.slice(0, apostrophe) : word;
}

/** U+0027, U+2019 (right single quotation mark), U+FF07 (full width). */
function isApostrophe(unit: number): boolean {
  return unit === 0x27 || unit === 0x2019 || unit === 0xff07;
}

const OTHER = 1;
const WORD = 2;
/** Belongs to the word or other character before it. */
const MARK = 3;
/** Belongs to a word between two word characters. */
const JOINER = 4;
/** A word by itself. */
const IDEOGRAPH = 5;

/** The class of each UTF-16 unit; 0 where not looked up yet, or where it takes two units to know. */
const unitClasses = new Uint8Array(65536);
/** The second unit of a pair: the first has the class of both. */
unitClasses.fill(MARK, 0xdc00, 0xe000);

/**
 * The words of a text: runs of letters and numbers with their combining marks, where one apostrophe or full stop
 * between two of them belongs to the word (`don't`, `3.5`, `u.s`). A Han or Hiragana character is a word by itself,
 * as those scripts write no spaces. A simplification of Unicode's word boundaries (UAX #29). Time is linear in the
 * length, for any text.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let start = -1;
  for (let i = 0; i < text.length; i++) {
    const kind = classAt(text, i);
    if (kind === WORD) {
      if (start < 0) start = i;
      else if (i - start >= MAX_WORD_LENGTH) {
        words.push(text.slice(start, i));
        start = i;
      }
    } else if (start >= 0 && kind !== MARK && !(kind === JOINER && classAt(text, i + 1) === WORD)) {
      words.push(text.slice(start, i));
      start = -1;
    }
    if (kind === IDEOGRAPH) words.push(String.fromCodePoint(text.codePointAt(i) ?? 0));
  }
  if (start >= 0) words.push(text.slice(start));
  return words;
}

function classAt(text: string, index: number): number {
  if (index >= text.length) return OTHER;
  const unit = text.charCodeAt(index);
  const known = unitClasses[unit] as number;
  if (known > 0) return known;
  const codePoint = text.codePointAt(index) ?? unit;
  const kind = classify(codePoint);
  if (unit < 0xd800 || unit > 0xdbff) unitClasses[unit] = kind;
  return kind;
}

function classify(codePoint: number): number {
  if (isApostrophe(codePoint) || codePoint === 0x2e) return JOINER;
  const character = String.fromCodePoint(codePoint);
  if (/(?=[\p{L}\p{N}])[\p{Script=Han}\p{Script=Hiragana}]/u.test(character)) return IDEOGRAPH;
  if (/[\p{L}\p{N}]/u.test(character)) return WORD;
  return /\p{M}/u.test(character) ? MARK : OTHER;
}

/**
 * A copy that owns its characters. Engines make a slice a window into the whole text, so that one kept word would
 * keep its document in memory.
 */
export function copyString(text: string): string {
  let copy = '';
  for (let i = 0; i < text.length; i++) copy += String.fromCharCode(text.charCodeAt(i));
  return copy;
}
