import { printable } from '../core/shown.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { own } from '../core/own.ts';
import { isNestedDeeper } from '../core/json-text.ts';
import { checkModelFileSize } from './file-limits.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const REMEDY = 'Fix the file, or download the model again';

/** Real model files have less than twenty levels; a parser's time and memory grow with each. */
const MAX_DEPTH = 256;

/**
 * Parses a model folder's JSON file, once its size and nesting are known to be within limits.
 * @throws InputError with the limit, or the line where the JSON breaks.
 */
export function parseJsonFile(bytes: Uint8Array<ArrayBuffer>, file: string): unknown {
  checkModelFileSize(file, bytes.length, file);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError('the file is not UTF-8 text', { file, remedy: REMEDY, cause });
  }
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new InputError(`the JSON is nested deeper than ${MAX_DEPTH} levels`, { file, remedy: REMEDY });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const position = /at position (\d+)/.exec(messageOf(cause))?.[1];
    const line = position === undefined ? undefined : text.slice(0, Number(position)).split('\n').length;
    throw new InputError('the file is not valid JSON', { file, line, remedy: REMEDY, cause });
  }
}

/** As {@link parseJsonFile}, for files that hold one object. */
export function parseJsonObject(bytes: Uint8Array<ArrayBuffer>, file: string): JsonObject {
  const value = parseJsonFile(bytes, file);
  if (!isJsonObject(value))
    throw new InputError('the file contains no JSON object', { file, remedy: REMEDY });
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own field of the object; inherited ones (`constructor`, …) do not count. */
export function ownField(object: JsonObject, key: string): unknown {
  return own(object, key);
}

/** A value from a file in a form that is safe for messages. */
export function shownJson(value: unknown): string {
  // Undefined, which is not JSON, gives undefined despite the declared type.
  const text = JSON.stringify(value) as string | undefined;
  return printable(text ?? 'missing');
}

/** JSON as Hugging Face writes it: two spaces, a newline at the end. */
export function jsonFile(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`);
}
