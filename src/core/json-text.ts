/** JSON text looked at in one pass, before a parser that would build everything in it. */

/** Whether brackets outside strings are nested deeper than the limit; ends at the first that is. */
export function isNestedDeeper(json: string, limit: number): boolean {
  let level = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = stringEnd(json, i);
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (++level > limit) return true;
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) level--;
  }
  return false;
}

/** Whether a text has more commas outside strings: as many values, about. Ends at the first that is too many. */
export function hasMoreValues(json: string, limit: number): boolean {
  let values = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = stringEnd(json, i);
    else if (code === COMMA && ++values > limit) return true;
  }
  return false;
}

/**
 * A key that occurs twice in an object of the text: a parser silently keeps the last value.
 * @param json valid JSON
 * @param value what it was parsed to
 */
export function duplicateKey(json: string, value: unknown): string | undefined {
  // Where nothing is lost, which is cheap to see, there is no key to look for.
  return colonsIn(json) === keysIn(value) ? undefined : firstDuplicate(json);
}

/** Colons outside strings: one for each key. */
function colonsIn(json: string): number {
  let colons = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = stringEnd(json, i);
    else if (code === COLON) colons++;
  }
  return colons;
}

/** The keys of all objects in a value. */
function keysIn(value: unknown): number {
  let keys = 0;
  const waiting: object[] = typeof value === 'object' && value !== null ? [value] : [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const members: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (!Array.isArray(next)) keys += members.length;
    for (const member of members) if (typeof member === 'object' && member !== null) waiting.push(member);
  }
  return keys;
}

function firstDuplicate(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let text = '';
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) {
      const end = stringEnd(json, i);
      text = json.slice(i, end + 1);
      i = end;
    } else if (code === OPEN_BRACE) objects.push(new Set());
    else if (code === CLOSE_BRACE) objects.pop();
    else if (code === COLON) {
      const key = JSON.parse(text) as string;
      if (objects.at(-1)?.has(key)) return key;
      objects.at(-1)?.add(key);
    }
  }
  return undefined;
}

const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Where the string that starts at a quotation mark ends: its second one, or the end of the text. */
function stringEnd(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return json.length;
}
