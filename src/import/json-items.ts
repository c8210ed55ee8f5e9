import { InputError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import type { ByteSource } from '../core/source.ts';
import { MAX_LINE_BYTES, type Line } from '../corpus/lines.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const WHITE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xfeff]);

/**
 * The items of a JSON array, or objects one after another on as many lines as they like, as text. Holds one item of at
 * most 8 MiB.
 * @throws InputError naming the line of what is not an object
 */
export async function* readJsonItems(source: ByteSource): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  let depth = 0;
  /** Where items are: in the outermost array, or outside of everything. */
  let base: 0 | 1 | undefined;
  let isString = false;
  let isEscaped = false;
  /** Of the outermost array. */
  const state: { isEnded: boolean; item: { readonly line: number; text: string } | undefined } = {
    isEnded: false,
    item: undefined,
  };

  const refuse = (problem: string, remedy: string, at = line): InputError =>
    new InputError(problem, { file: source.name, line: at, remedy });
  const notObjects = (): InputError =>
    refuse('expected an array of objects', 'Use [{"text": "…"}, …], or one JSON object per line');

  function* scan(text: string): Generator<Line> {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === LINE_FEED) line++;
      if (isString) {
        if (isEscaped) isEscaped = false;
        else if (code === BACKSLASH) isEscaped = true;
        else if (code === QUOTE) isString = false;
        continue;
      }
      if (WHITE.has(code)) continue;
      if (state.isEnded)
        throw refuse('has text after the end of the JSON', 'Remove what follows the last bracket');
      if (state.item === undefined) {
        if (base === undefined) {
          base = code === 0x5b ? 1 : 0;
          if (base === 1) {
            depth = 1;
            continue;
          }
        }
        if (code === COMMA && base === 1) continue;
        if (code === 0x5d && base === 1) {
          state.isEnded = true;
          continue;
        }
        if (code !== 0x7b) throw notObjects();
        state.item = { line, text: '' };
        start = i;
      }
      if (code === QUOTE) isString = true;
      else if (OPENING.has(code)) depth++;
      else if (CLOSING.has(code) && --depth === base) {
        yield { text: state.item.text + text.slice(start, i + 1), number: state.item.line };
        state.item = undefined;
      }
    }
    if (state.item === undefined) return;
    state.item.text += text.slice(start);
    if (state.item.text.length > MAX_LINE_BYTES) {
      const problem = `the object that starts here is longer than the limit of ${formatBytes(MAX_LINE_BYTES)}`;
      throw refuse(problem, 'Use one object for each text', state.item.line);
    }
  }

  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw refuse('is not valid UTF-8', 'Save the file as UTF-8');
    }
  };
  for await (const chunk of source.stream()) yield* scan(decode(chunk));
  yield* scan(decode());
  if (state.item !== undefined || (base === 1 && !state.isEnded)) {
    throw refuse('the JSON is cut off', 'Use a complete file', state.item?.line ?? line);
  }
}
