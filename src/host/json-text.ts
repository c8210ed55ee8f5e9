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
