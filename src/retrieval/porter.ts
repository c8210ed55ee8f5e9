/**
 * Porter's first stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980) with the three
 * departures of its author's later programs, which Lucene's PorterStemFilter has too: words of one or two letters
 * stay as they are, step 2 maps `bli` to `ble` (the paper: `abli` to `able`), and it maps `logi` to `log`.
 *
 * In the paper's terms, a word is [C](VC)^m[V], with C and V runs of consonants and of vowels; m is its measure.
 */

type Rule = readonly [suffix: string, replacement: string];

/** Each group lists longer suffixes before the shorter ones they end with: the first match is the longest. */
const STEP_2: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['logi', 'log'],
];

const STEP_3: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];

const STEP_4: readonly Rule[] = [
  'al',
  'ance',
  'ence',
  'er',
  'ic',
  'able',
  'ible',
  'ant',
  'ement',
  'ment',
  'ent',
  'sion',
  'tion',
  'ou',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
].map((suffix) => [suffix, suffix.endsWith('ion') ? suffix.charAt(0) : '']);

/** The stem of a lower-case word. Letters outside a–z count as consonants. */
export function porterStem(word: string): string {
  if (word.length <= 2) return word;
  let stem = removePlural(word);
  stem = removePastAndProgressive(stem);
  if (stem.endsWith('y') && hasVowel(stem, stem.length - 1)) stem = `${stem.slice(0, -1)}i`;
  stem = replaceSuffix(stem, STEP_2, 0);
  stem = replaceSuffix(stem, STEP_3, 0);
  stem = replaceSuffix(stem, STEP_4, 1);
  return tidyEnd(stem);
}

/** Step 1a. */
function removePlural(word: string): string {
  if (!word.endsWith('s')) return word;
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2);
  return word.endsWith('ss') ? word : word.slice(0, -1);
}

/** Step 1b. */
function removePastAndProgressive(word: string): string {
  if (word.endsWith('eed')) return measure(word, word.length - 3) > 0 ? word.slice(0, -1) : word;
  let length = word.length;
  if (word.endsWith('ed')) length -= 2;
  else if (word.endsWith('ing')) length -= 3;
  if (length === word.length || !hasVowel(word, length)) return word;
  const stem = word.slice(0, length);
  if (stem.endsWith('at') || stem.endsWith('bl') || stem.endsWith('iz')) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem, length) === 1 && endsInShortSyllable(stem, length) ? `${stem}e` : stem;
}

/** Steps 2 to 4: the longest matching suffix decides, whether or not the measure of what precedes it allows a change. */
function replaceSuffix(word: string, rules: readonly Rule[], leastMeasure: number): string {
  for (const [suffix, replacement] of rules) {
    if (!word.endsWith(suffix)) continue;
    // What `-sion` and `-tion` keep belongs to the stem that is measured.
    const kept = suffix.startsWith(replacement) && suffix.endsWith('ion') ? replacement.length : 0;
    const length = word.length - suffix.length;
    return measure(word, length + kept) > leastMeasure ? word.slice(0, length) + replacement : word;
  }
  return word;
}

/** Step 5: a final `e`, and one of two final `l`. */
function tidyEnd(word: string): string {
  let length = word.length;
  if (word.endsWith('e')) {
    const m = measure(word, length - 1);
    if (m > 1 || (m === 1 && !endsInShortSyllable(word, length - 1))) length--;
  }
  if (word.endsWith('ll', length) && measure(word, length) > 1) length--;
  return word.slice(0, length);
}

/** Whether the letter at `index` is a consonant: not a, e, i, o, u, nor a y after a consonant. */
function isConsonant(word: string, index: number): boolean {
  switch (word.charCodeAt(index)) {
    case 97: // a
    case 101: // e
    case 105: // i
    case 111: // o
    case 117: // u
      return false;
    case 121: // y
      return index === 0 || !isConsonant(word, index - 1);
    default:
      return true;
  }
}

/** The measure m of the first `length` letters: how many times a vowel is followed by a consonant. */
function measure(word: string, length: number): number {
  let m = 0;
  let afterVowel = false;
  for (let i = 0; i < length; i++) {
    const consonant = isConsonant(word, i);
    if (consonant && afterVowel) m++;
    afterVowel = !consonant;
  }
  return m;
}

function hasVowel(word: string, length: number): boolean {
  for (let i = 0; i < length; i++) if (!isConsonant(word, i)) return true;
  return false;
}

function endsInDoubleConsonant(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word.charAt(last) === word.charAt(last - 1) && isConsonant(word, last);
}

/** Whether the first `length` letters end consonant, vowel, consonant, the last not w, x or y (the paper's *o). */
function endsInShortSyllable(word: string, length: number): boolean {
  const last = length - 1;
  if (last < 2 || !isConsonant(word, last) || isConsonant(word, last - 1) || !isConsonant(word, last - 2))
    return false;
  return !'wxy'.includes(word.charAt(last));
}
