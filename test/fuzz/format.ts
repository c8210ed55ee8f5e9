/** What the harness knows of an input format: valid files, how to change them, and how the studio reads them. */

import { textSource, bytesSource, type ByteSource } from '../../src/core/source.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { Json } from '../../src/core/json.ts';
import type { Bytes, Mutation } from './mutate.ts';

export interface FuzzFormat {
  /** As in `npm run fuzz -- NAME`. */
  readonly name: string;
  /** What file of a user's it is. */
  readonly what: string;
  /** The files of src/ whose parsing it exercises. */
  readonly readers: readonly string[];
  /** Small valid files. Every one must be accepted as it is. */
  readonly examples: readonly Bytes[];
  /** How inputs are made from the examples, besides the mutations of bytes that every format gets. */
  readonly mutations: readonly Mutation[];
  /**
   * Reads an input as the studio does. Throws what the studio throws, or {@link SilentDifference} where the format
   * can detect a difference that was not refused.
   */
  readonly read: (input: FuzzInput) => unknown;
  /** Typed refusals of the reader, besides InputError. */
  readonly isRefusal?: (error: unknown) => boolean;
}

export interface FuzzInput {
  readonly bytes: Bytes;
  /** Whether a mutation has put checksums right again: other contents are then no fault. */
  readonly resealed: boolean;
}

/** Accepted, and not what was written: a checksum or a structure should have told. */
export class SilentDifference extends Error {
  override readonly name = 'SilentDifference';
}

const encoder = new TextEncoder();

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

export function json(value: unknown): Bytes {
  return utf8(JSON.stringify(value));
}

export function jsonLines(values: readonly unknown[]): Bytes {
  return utf8(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

/** Text as commands decode whole files. */
export function textOf(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

export function source(name: string, { bytes }: FuzzInput): ByteSource {
  return bytesSource(name, bytes);
}

export { textSource };

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** @throws SilentDifference unless both are the same as JSON, whatever the order of members. */
export function mustEqual(found: unknown, expected: unknown, what: string): void {
  if (canonicalJson(found as Json) !== canonicalJson(expected as Json)) throw new SilentDifference(what);
}
