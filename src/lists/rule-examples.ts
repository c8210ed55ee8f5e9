import type { ListDocument, Source } from '../corpus/types.ts';
import { streamKey } from '../core/random.ts';
import type { RemainingList } from './rules/contract.ts';
import type { Verdict } from './verdicts.ts';

/** A passage that a rule judged, with what a reader needs to agree or not. */
export type RuleExample = {
  readonly query_id: string;
  readonly query: string;
  readonly id: string;
  readonly text: string;
  readonly source: Source;
  readonly teacher?: number;
  readonly verdict: string;
  /** The list's first positive, unless it is the passage itself. */
  readonly positive?: { readonly id: string; readonly text: string; readonly teacher?: number };
};

/** A random sample of what is offered, the same whatever the order. */
export class ExampleSample {
  readonly #size: number;
  readonly #seed: number;
  /** By ascending key. */
  readonly #chosen: { readonly key: number; readonly example: RuleExample }[] = [];

  constructor(size: number, seed: number) {
    this.#size = size;
    this.#seed = seed;
  }

  offer({ record, positives }: RemainingList, document: ListDocument, verdict: Verdict): void {
    const key = streamKey(this.#seed, record.query_id, document.id);
    const last = this.#chosen.at(-1);
    if (this.#chosen.length >= this.#size && (last === undefined || key >= last.key)) return;
    const at = this.#chosen.findIndex((other) => other.key > key);
    const example = exampleOf(record, document, verdict, positives[0]);
    this.#chosen.splice(at === -1 ? this.#chosen.length : at, 0, { key, example });
    if (this.#chosen.length > this.#size) this.#chosen.pop();
  }

  examples(): readonly RuleExample[] {
    return this.#chosen.map(({ example }) => example);
  }
}

function exampleOf(
  { query_id, query }: RemainingList['record'],
  document: ListDocument,
  verdict: Verdict,
  positive: ListDocument | undefined,
): RuleExample {
  const { source } = document;
  const example = { query_id, query, ...essence(document), source, verdict };
  return positive === undefined || positive === document
    ? example
    : { ...example, positive: essence(positive) };
}

function essence({ id, text, teacher }: ListDocument): { id: string; text: string; teacher?: number } {
  return { id, text, ...(teacher !== undefined && { teacher }) };
}
