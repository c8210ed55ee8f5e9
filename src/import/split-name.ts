/** The splits that files belong to, by their paths. */

const SPLITS = /(?<![a-z])(train|dev|valid|val|validation|test)(?![a-z])/gi;
/** Large files are stored in parts: `test-00000-of-00002`. */
const PART = /-\d{5}-of-\d{5}$/;

/** A path without its extension and the number of its part. */
export function withoutPart(path: string): string {
  return path.replace(/\.[^./]+$/, '').replace(PART, '');
}

/** The usual name of a split in a path, of its last part that has one. */
export function usualSplit(path: string): string | undefined {
  return [...withoutPart(path).matchAll(SPLITS)].at(-1)?.[1]?.toLowerCase();
}

/** The split that judgments are of; `test` where the path says nothing. */
export function splitName(path: string): string {
  const whole = withoutPart(path);
  const stem = whole.slice(whole.lastIndexOf('/') + 1);
  if (/(^|\/)qrels\/[^/]+$/.test(path) && /^[\w.-]+$/.test(stem)) return stem;
  return usualSplit(path) ?? 'test';
}
