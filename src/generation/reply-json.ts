/** What is read of a reply; a longer one is no answer to any prompt. */
export const MOST_CHARACTERS = 1_000_000;

/**
 * The JSON in a model's reply: an object or a list alone or in a fence of backticks, or an object with words around
 * it. What a reasoning model thinks first, up to `</think>`, does not count. Takes time in proportion to the length of
 * the reply, whatever is in it.
 *
 * @returns undefined where there is none that is whole within the first {@link MOST_CHARACTERS}
 */
export function findJson(reply: string): { readonly value: unknown } | undefined {
  const text = withoutThoughts(reply.slice(0, MOST_CHARACTERS)).trim();
  return tryJson(text) ?? fencedJson(text) ?? firstObject(text);
}

/** The reply after the thoughts before it. Thoughts that do not end leave nothing. */
export function withoutThoughts(reply: string): string {
  const end = reply.indexOf('</think>');
  if (end !== -1) return reply.slice(end + '</think>'.length);
  return /^\s*<think>/.test(reply) ? '' : reply;
}

/** An object or a list: a bare number or word in a reply is prose. */
function tryJson(text: string): { readonly value: unknown } | undefined {
  if (!text.startsWith('{') && !text.startsWith('[')) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const FENCE = '```';
const LANGUAGE = /^[a-z0-9]*/i;

function fencedJson(text: string): { readonly value: unknown } | undefined {
  let open = text.indexOf(FENCE);
  while (open !== -1) {
    const close = text.indexOf(FENCE, open + FENCE.length);
    if (close === -1) return undefined;
    const inside = text.slice(open + FENCE.length, close);
    const value = tryJson(inside.replace(LANGUAGE, '').trim());
    if (value !== undefined) return value;
    open = text.indexOf(FENCE, close + FENCE.length);
  }
  return undefined;
}

/** Braces in the words around it do not count: the first object that is whole is taken. */
function firstObject(text: string): { readonly value: unknown } | undefined {
  const objects = new ObjectScanner(text);
  for (let start = text.indexOf('{'); start !== -1; start = text.indexOf('{', start + 1)) {
    const end = objects.endOf(start);
    if (end !== undefined) return tryJson(text.slice(start, end));
  }
  return undefined;
}

/** Of a brace: not looked at yet, or not the beginning of a whole object. */
const UNKNOWN = 0;
const NOT_WHOLE = -1;

/**
 * Finds where the objects in a text end. It learns of all objects within the one that it walks through, so no brace is
 * the beginning of two walks; and two walks go over the same characters only where one has a string, since the other
 * began within it. So every character is looked at twice at most, however many braces there are.
 */
class ObjectScanner {
  readonly #text: string;
  /** By the place of its brace, the end of each object. */
  readonly #ends: Int32Array;

  constructor(text: string) {
    this.#text = text;
    this.#ends = new Int32Array(text.length);
  }

  /** Where the object that begins at a brace ends; undefined where it is no JSON or not whole. */
  endOf(start: number): number | undefined {
    if (this.#ends[start] === UNKNOWN) this.#walk(start);
    const end = this.#ends[start];
    return end === NOT_WHOLE ? undefined : end;
  }

  /** From a brace to the end of its object, or to the first character that JSON does not allow there. */
  #walk(start: number): void {
    const text = this.#text;
    /** Where each object and list around the current place begins. */
    const open: number[] = [];
    let expected: 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' = 'value';
    let at = start;
    for (;;) {
      at = skipSpace(text, at);
      const character = text[at];
      const isValue: boolean = expected === 'value' || expected === 'value or end';
      const isKey: boolean = expected === 'key' || expected === 'key or end';
      if (isValue && (character === '{' || character === '[')) {
        if (character === '{') this.#ends[at] = NOT_WHOLE;
        open.push(at);
        expected = character === '{' ? 'key or end' : 'value or end';
        at++;
      } else if (
        (character === '}' && (expected === 'key or end' || expected === 'comma or end')) ||
        (character === ']' && (expected === 'value or end' || expected === 'comma or end'))
      ) {
        const begin = open.pop() ?? start;
        if (text[begin] !== (character === '}' ? '{' : '[')) return;
        at++;
        if (character === '}') this.#ends[begin] = at;
        if (open.length === 0) return;
        expected = 'comma or end';
      } else if (character === ',' && expected === 'comma or end') {
        expected = text[open.at(-1) ?? start] === '{' ? 'key' : 'value';
        at++;
      } else if (character === ':' && expected === 'colon') {
        expected = 'value';
        at++;
      } else if (isKey || isValue) {
        const end = character === '"' ? endOfString(text, at) : isValue ? endOfScalar(text, at) : undefined;
        if (end === undefined) return;
        expected = isKey ? 'colon' : 'comma or end';
        at = end;
      } else return;
    }
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \n\r\t'.includes(text[at] ?? 'end')) at++;
  return at;
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"') return at + 1;
    if (character < ' ') return undefined;
    if (character === '\\') {
      at++;
      if (text[at] === 'u' && /^[0-9a-f]{4}$/i.test(text.slice(at + 1, at + 5))) at += 4;
      else if (!'"\\/bfnrt'.includes(text[at] ?? 'end')) return undefined;
    }
  }
  return undefined;
}

const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

function endOfScalar(text: string, start: number): number | undefined {
  SCALAR.lastIndex = start;
  return SCALAR.test(text) ? SCALAR.lastIndex : undefined;
}
