/** Reads inputs in the place where they may do harm, and says what became of each. Runs in a worker thread. */

import { InputError } from '../../src/core/errors.ts';
import { RandomStream } from '../../src/core/random.ts';
import { SilentDifference, type FuzzFormat, type FuzzInput } from './format.ts';
import { byteMutations, mutated, type MadeInput } from './mutate.ts';

export type FaultKind = 'example' | 'hang' | 'error' | 'message' | 'difference' | 'pollution' | 'memory';

export interface Fault {
  readonly kind: FaultKind;
  /** In a line or a few. */
  readonly detail: string;
  /** The same for two inputs that meet the same fault, as far as can be told. */
  readonly signature: string;
}

export type Verdict = 'accepted' | 'refused' | Fault;

export function isFault(verdict: Verdict): verdict is Fault {
  return typeof verdict === 'object';
}

/** Of an example that is refused: the format is wrong, or the reader. */
export const refusedExample: Fault = {
  kind: 'example',
  detail: 'an example is refused as it is',
  signature: 'example refused',
};

/** Longer ones are no line that anybody reads. */
const MAX_MESSAGE = 5000;

/** What an input of a format is: a function of (format, seed, number). The first are the examples as they are. */
export function makeInput(format: FuzzFormat, seed: number, number: number): MadeInput {
  const example = format.examples[number];
  if (example !== undefined) return { bytes: example, resealed: false, steps: ['an example as it is'] };
  const random = new RandomStream(seed, 'fuzz', format.name, number);
  return mutated(format.examples, [...byteMutations, ...format.mutations], random);
}

/** Reads one input. */
export async function judge(format: FuzzFormat, input: FuzzInput): Promise<Verdict> {
  const before = prototypes();
  let verdict: Verdict;
  try {
    await format.read(input);
    verdict = 'accepted';
  } catch (error) {
    verdict = judgeError(format, error);
  }
  // In the next turn what nobody waited for has been reported.
  await new Promise((resolve) => setImmediate(resolve));
  if (late !== undefined) {
    verdict = { ...lateFault(late.error), kind: 'error' };
    late = undefined;
  }
  const polluted = restored(before);
  if (polluted === undefined) return verdict;
  return { kind: 'pollution', detail: `${polluted} was changed`, signature: `pollution of ${polluted}` };
}

let late: { readonly error: unknown } | undefined;

/** Lets {@link judge} see what is thrown or rejected outside of the call. Once, in a process or thread of its own. */
export function catchLateErrors(): void {
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    process.on(event, (error: unknown) => (late ??= { error }));
  }
}

function lateFault(error: unknown): Omit<Fault, 'kind'> {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    detail: `outside of the call: ${printed(text)} (${placeOf(error)})`,
    signature: `error outside at ${placeOf(error)}`,
  };
}

function judgeError(format: FuzzFormat, error: unknown): Verdict {
  if (error instanceof SilentDifference) {
    return { kind: 'difference', detail: error.message, signature: `difference: ${general(error.message)}` };
  }
  const isRefusal = error instanceof InputError || format.isRefusal?.(error) === true;
  if (!isRefusal) {
    const place = placeOf(error);
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return {
      kind: 'error',
      detail: `${printed(text)} (${place})`,
      signature: `error: ${error instanceof Error ? error.name : 'no Error'} at ${place}`,
    };
  }
  const { message } = error as Error;
  const odd = /[\p{Cc}\p{Zl}\p{Zp}]/u.exec(message)?.[0];
  if (odd === undefined && message.length <= MAX_MESSAGE) return 'refused';
  const problem =
    odd === undefined
      ? `a message of ${message.length} characters`
      : `a message with U+${(odd.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  const place = placeOf(error);
  return {
    kind: 'message',
    detail: `${problem}: ${printed(message)} (${place})`,
    signature: `message ${odd === undefined ? 'too long' : 'not one line'} at ${place}`,
  };
}

export function printed(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text).slice(1, -1);
}

/** Without what depends on the input. */
function general(text: string): string {
  return text
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '…')
    .replace(/\d+/g, '0')
    .slice(0, 80);
}

/** Where in the project's own files an error came from: `src/formats/zip.ts:12`. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const own = [...stack.matchAll(/\/((?:src|test)\/[\w./-]+?)\.[jt]s:(\d+)/g)]
    .map(([, path = '', line = '']) => `${path}.ts:${line}`)
    .filter((place) => !place.startsWith('src/core/errors'));
  const [first] = own;
  return first ?? 'outside src/';
}

const WATCHED = [
  ...[Object, Array, Function, String, Number, Boolean, Map, Set, Promise, RegExp, Error, Uint8Array].map(
    (type) => [`${type.name}.prototype`, type.prototype as object] as const,
  ),
  ['globalThis', globalThis] as const,
];

type Members = ReadonlyMap<PropertyKey, PropertyDescriptor>;

function prototypes(): readonly number[] {
  return WATCHED.map(([, object]) => Reflect.ownKeys(object).length);
}

/** As the worker found them; also the values of what was there are compared. */
const original: readonly Members[] = WATCHED.map(
  ([, object]) => new Map(Reflect.ownKeys(object).map((key) => [key, descriptorOf(object, key)])),
);
const objectMembers = original[0] ?? new Map<PropertyKey, PropertyDescriptor>();

function descriptorOf(object: object, key: PropertyKey): PropertyDescriptor {
  return Object.getOwnPropertyDescriptor(object, key) ?? {};
}

/** Takes out again what was put into a prototype. @returns which */
function restored(before: readonly number[]): string | undefined {
  for (const [i, [name, object]] of WATCHED.entries()) {
    if (Reflect.ownKeys(object).length === before[i]) continue;
    // Node makes some of its globals when they are first used.
    if (name === 'globalThis') continue;
    for (const key of Reflect.ownKeys(object)) {
      if (original[i]?.has(key) !== true) Reflect.deleteProperty(object, key);
    }
    return name;
  }
  for (const [key, { value }] of objectMembers) {
    if (descriptorOf(Object.prototype, key).value === value) continue;
    Object.defineProperty(Object.prototype, key, objectMembers.get(key) ?? {});
    return 'Object.prototype';
  }
  return undefined;
}
