import { Validator, type OutputUnit } from '@cfworker/json-schema';
import { printable } from '../core/shown.ts';
import type { JsonSchema } from '../host/generator.ts';

/** Checks values against a JSON Schema (draft 2020-12), without code made at run time, which the page's policy forbids. */
export class ReplySchema {
  readonly #validator: Validator;

  constructor(schema: JsonSchema) {
    // A copy: the validator writes into it.
    this.#validator = new Validator(structuredClone(schema), '2020-12', false);
  }

  /** What is wrong with a value, in one line; undefined if it fits. */
  problemOf(value: unknown): string | undefined {
    const { valid, errors } = this.#validator.validate(value);
    if (valid) return undefined;
    // The values around a wrong one are wrong as well: what lies deepest says what it is, and of two the first.
    const deepest = errors.reduce<OutputUnit | undefined>(
      (found, error) => (found === undefined || depth(error) > depth(found) ? error : found),
      undefined,
    );
    return deepest === undefined ? 'does not match the schema' : describe(deepest);
  }
}

function depth({ instanceLocation }: OutputUnit): number {
  return instanceLocation.split('/').length;
}

function describe({ keyword, instanceLocation, error }: OutputUnit): string {
  const place = instanceLocation
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (shown, part) => (/^\d+$/.test(part) ? `${shown}[${part}]` : shown === '' ? part : `${shown}.${part}`),
      '',
    );
  const problem = keyword === 'false' ? 'is not in the schema' : error.replace(/\.$/, '');
  return `${place === '' ? 'the reply' : printable(place)}: ${problem}`;
}
