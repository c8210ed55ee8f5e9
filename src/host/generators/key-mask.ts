/** Levels of JSON within JSON, and of encoding within an address, that are seen through. */
const mostLevels = 3;
const mostBackslashes = 2 ** mostLevels;

/**
 * Hides a key in a server's response: `(key)` replaces it, even if it was escaped for JSON or encoded for an address,
 * in part or as a whole. Hide the key before shortening a text: half a key would not be found.
 */
export function keyMask(key: string | undefined): (text: string) => string {
  if (key === undefined) return (text) => text;
  const pattern = new RegExp(Array.from(key.matchAll(/\\+|[^\\]/g), ([part]) => formsOf(part)).join(''), 'g');
  return (text) => text.replace(pattern, '(key)');
}

/** A pattern of all forms of a character, or of some backslashes. */
function formsOf(part: string): string {
  const hex = part
    .charCodeAt(0)
    .toString(16)
    .padStart(2, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const encoded = String.raw`\\{1,${mostBackslashes}}u00${hex}|%(?:25){0,${mostLevels}}${hex}`;
  if (part.startsWith('\\')) {
    const { length } = part;
    return String.raw`(?:\\{${length},${length * mostBackslashes}}|(?:${encoded}){${length}})`;
  }
  const escapes = '"/'.includes(part) ? String.raw`\\{0,${mostBackslashes}}` : '';
  return `(?:${escapes}${part.replace(/\W/, String.raw`\$&`)}|${encoded})`;
}
