import { streamKey } from '../core/random.ts';
import type { ListRecord } from './types.ts';

/**
 * A normal form under which two texts count as the same: NFKC, lower case, white space squeezed to single spaces
 * and trimmed.
 */
export function textKey(text: string): string {
  const known = keys.get(text);
  if (known !== undefined) return known;
  const key = text.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
  keptCharacters += text.length + key.length;
  if (keptCharacters > mostKeptCharacters) {
    keys.clear();
    keptCharacters = text.length + key.length;
  }
  keys.set(text, key);
  return key;
}

/** A passage is a candidate of many queries: its key is made once while there is room. */
const keys = new Map<string, string>();
const mostKeptCharacters = 2 ** 24;
let keptCharacters = 0;

/**
 * An id made from a text, for lists that give none: equal texts get equal ids, in every file and on every
 * machine. 64 bits: among a million texts a clash has a chance of 1 in 10^7.
 */
export function textId(prefix: string, text: string): string {
  const hex = (lane: number): string => streamKey(lane, text).toString(16).padStart(8, '0');
  return `${prefix}-${hex(0)}${hex(1)}`;
}

/**
 * Whether a list's document is a positive.
 * @param level the lowest label of one; any above 0 by default
 */
export function isPositive(document: { readonly label?: number }, level = 0): boolean {
  return document.label !== undefined && document.label > 0 && document.label >= level;
}

/**
 * Leaves out the negatives whose text is that of a positive of the same list (by {@link textKey}) or whose id is:
 * taught as negatives, they would contradict it.
 */
export function withoutDuplicatesOfPositives(record: ListRecord): {
  readonly record: ListRecord;
  readonly removed: number;
} {
  const positives = record.documents.filter((document) => isPositive(document));
  const texts = new Set(positives.map(({ text }) => textKey(text)));
  const ids = new Set(positives.map(({ id }) => id));
  const documents = record.documents.filter(
    (document) => isPositive(document) || !(ids.has(document.id) || texts.has(textKey(document.text))),
  );
  return { record: { ...record, documents }, removed: record.documents.length - documents.length };
}
