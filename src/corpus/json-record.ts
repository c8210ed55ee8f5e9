import { InputError, messageOf } from '../core/errors.ts';
import { duplicateKey, isNestedDeeper } from '../core/json-text.ts';
import type { Line } from './lines.ts';
import type { ReadReport } from './report.ts';
import { printable, quoted } from '../core/shown.ts';

/** Deeper than any of our records; a parser's stack grows with nesting. */
const MAX_DEPTH = 256;
/** Shorter lines cannot nest deeply enough to matter. */
const DEPTH_CHECK_LENGTH = 65_536;

/**
 * One JSON object of a file, read by own keys only: a key such as `__proto__` is a key like any other, and
 * nothing inherited is ever taken for data. Errors name the file and the line.
 */
export class JsonRecord {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #file: string;
  readonly #line: number;

  private constructor(values: object, file: string, line: number) {
    this.#values = new Map(Object.entries(values));
    this.#file = file;
    this.#line = line;
  }

  /**
   * @param report records a key that occurs twice in the line
   * @throws InputError if the line is not one JSON object.
   */
  static parse({ text, number }: Line, file: string, report?: ReadReport): JsonRecord {
    if (text.length > DEPTH_CHECK_LENGTH && isNestedDeeper(text, MAX_DEPTH)) {
      throw new InputError(`the JSON is nested deeper than ${MAX_DEPTH} levels`, {
        file,
        line: number,
        remedy: 'Remove the nesting; only text, title and id are read',
      });
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new InputError(`not valid JSON (${printable(messageOf(cause), 160)})`, {
        file,
        line: number,
        remedy: 'Fix the line or remove it; each line must be one whole JSON object',
        cause,
      });
    }
    if (!isObject(value)) {
      throw new InputError('is not a JSON object', {
        file,
        line: number,
        remedy: 'Use one JSON object per line, such as {"_id": "1", "text": "…"}',
      });
    }
    const duplicate = report === undefined ? undefined : duplicateKey(text, value);
    if (duplicate !== undefined) report?.addDuplicateKey(`${quoted(duplicate)} in ${file}:${number}`);
    return new JsonRecord(value, file, number);
  }

  get keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** Every member as it was parsed. */
  get members(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  /** Present and not null. */
  has(key: string): boolean {
    return (this.#values.get(key) ?? null) !== null;
  }

  /** The first of the keys that is present, or undefined. */
  firstOf(keys: readonly string[]): string | undefined {
    return keys.find((key) => this.has(key));
  }

  /** An error about this record. */
  error(problem: string, remedy: string): InputError {
    return new InputError(problem, { file: this.#file, line: this.#line, remedy });
  }

  /** A string; empty where the key is missing or null. */
  text(key: string): string {
    const value = this.#values.get(key) ?? '';
    if (typeof value === 'string') return value;
    throw this.error(`"${key}" is not a string`, `Set "${key}" to a string in quotes`);
  }

  /** A non-empty string without tabs or line ends, or a whole number, as a string. */
  id(key: string): string {
    const value = this.#values.get(key);
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    if (typeof value === 'string' && isId(value)) return value;
    throw this.error(`"${key}" is not an id`, ID_REMEDY);
  }

  number(key: string): number | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.error(`"${key}" is not a number`, `Set "${key}" to a finite number, or remove it`);
  }

  /** A list of strings, or one string; empty where the key is missing or null. */
  texts(key: string): readonly string[] {
    const value = this.#values.get(key) ?? [];
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (items.every((item) => typeof item === 'string')) return items;
    throw this.error(`"${key}" is not a list of strings`, `Set "${key}" to ["…", "…"]`);
  }

  /** A list of finite numbers, or undefined where the key is missing or null. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isFinite(item))) {
      return value as readonly number[];
    }
    throw this.error(
      `"${key}" is not a list of numbers`,
      `Set "${key}" to [0.5, …], one number for each passage`,
    );
  }

  /** A list of objects; empty where the key is missing or null. */
  records(key: string): readonly JsonRecord[] {
    const value = this.#values.get(key) ?? [];
    if (Array.isArray(value) && value.every(isObject)) {
      return value.map((item) => new JsonRecord(item, this.#file, this.#line));
    }
    throw this.error(`"${key}" is not a list of objects`, `Set "${key}" to [{…}, {…}]`);
  }

  /** An object of strings, or undefined where the key is missing or null. */
  strings(key: string): Readonly<Record<string, string>> | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (isObject(value) && Object.values(value).every((item) => typeof item === 'string')) {
      return value as Readonly<Record<string, string>>;
    }
    throw this.error(`"${key}" is not an object of strings`, `Set "${key}" to {"name": "…"}`);
  }

  /** An object of finite numbers, or undefined where the key is missing or null. */
  namedNumbers(key: string): Readonly<Record<string, number>> | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (isObject(value) && Object.values(value).every((item) => Number.isFinite(item))) {
      return value as Readonly<Record<string, number>>;
    }
    throw this.error(`"${key}" is not an object of numbers`, `Set "${key}" to {"name": 1}`);
  }
}

export const ID_REMEDY = 'Use an id of one or more characters, without tabs or line breaks';

/** Ids are columns of tab-separated files: neither empty nor with a tab or a line end. */
export function isId(value: string): boolean {
  return value !== '' && !/[\t\r\n]/.test(value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
