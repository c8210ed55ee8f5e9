/** Judging the results of two systems by hand: which queries, in which order, and what follows. */
import * as v from 'valibot';
import { RandomStream } from '../core/random.ts';
import type { Judgments } from '../corpus/types.ts';
import { compareSystems, type ComparisonTable } from '../metrics/compare-systems.ts';
import { parseMeasures } from '../metrics/measures/registry.ts';
import { compareBytes } from '../metrics/ranking.ts';
import type { Run } from '../metrics/run.ts';
import type { TestQuery } from './protocol.ts';
import { queriesToJudge } from './state/judgments.ts';

/** Passages of each system. */
export const judgedDepth = 5;
const measure = `ndcg@${judgedDepth}`;

/** System → query → ids of its best passages, the best first. */
export type RankedLists = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** What somebody judged of a run, as far as they came. */
export interface Judging {
  /** Of the sample and of the orders. */
  readonly seed: number;
  /** What is compared; the second is measured against the first. */
  readonly systems: readonly [string, string];
  readonly grades: Judgments;
  readonly lists: RankedLists;
}

/** A random sample of queries, the same for the same seed, whatever the order in which they are given. */
export function sampleQueries(
  queries: readonly TestQuery[],
  seed: number,
  count = queriesToJudge,
): readonly TestQuery[] {
  const sorted = [...queries].sort((a, b) => compareBytes(a.id, b.id));
  return new RandomStream(seed, 'judged queries').shuffle(sorted).slice(0, count);
}

/** The passages that either system found, each once, in an order that tells nothing of the systems. */
export function mixed<Passage extends { readonly id: string }>(
  queryId: string,
  lists: readonly (readonly Passage[])[],
  seed: number,
): readonly Passage[] {
  const passages = new Map(lists.flat().map((passage) => [passage.id, passage]));
  const sorted = [...passages.values()].sort((a, b) => compareBytes(a.id, b.id));
  return new RandomStream(seed, 'judged passages', queryId).shuffle(sorted);
}

/** The queries for which both systems were asked and everything that they found has a grade. */
export function judgedQueries({ systems, grades, lists }: Judging): readonly string[] {
  return [...grades.keys()].filter((query) =>
    systems.every((system) => {
      const found = lists.get(system)?.get(query);
      return found?.every((id) => grades.get(query)?.has(id)) === true;
    }),
  );
}

/**
 * Both systems on the queries that were judged, and the second against the first. The ideal ranking of a query consists of
 * what was judged for it. A query without a relevant passage counts 0 for both.
 */
export function judgedTable(
  judging: Judging,
  tests: { readonly alpha: number; readonly samples: number },
): ComparisonTable {
  const { systems, grades, lists } = judging;
  const queries = judgedQueries(judging);
  const judged = new Map(queries.map((query) => [query, grades.get(query) ?? new Map<string, number>()]));
  const runOf = (system: string): Run =>
    new Map(
      queries.map((query) => {
        const documents = lists.get(system)?.get(query) ?? [];
        return [query, { documents, scores: documents.map((_, i) => -i) }];
      }),
    );
  return compareSystems(
    judged,
    systems.map((name) => ({ name, runs: [runOf(name)] })),
    { measures: parseMeasures(measure), ...tests },
  );
}

/** Every grade that was given, as BEIR's TSV. */
export function judgmentsTsv(grades: Judgments): string {
  const lines = [...grades].flatMap(([query, judged]) =>
    [...judged].map(([id, grade]) => `${query}\t${id}\t${grade}\n`),
  );
  return `query-id\tcorpus-id\tscore\n${lines.join('')}`;
}

const entries = <Value extends v.GenericSchema>(value: Value) => v.array(v.tuple([v.string(), value]));

const keptSchema = v.object({
  format: v.literal(1),
  seed: v.number(),
  systems: v.tuple([v.string(), v.string()]),
  grades: entries(entries(v.picklist([0, 1, 2, 3]))),
  lists: entries(entries(v.array(v.string()))),
});

/** As text that the browser keeps; ids and grades, no texts. */
export function writeJudging({ seed, systems, grades, lists }: Judging): string {
  const plain = <Value>(outer: ReadonlyMap<string, ReadonlyMap<string, Value>>): unknown =>
    [...outer].map(([key, inner]) => [key, [...inner]]);
  return JSON.stringify({ format: 1, seed, systems, grades: plain(grades), lists: plain(lists) });
}

/** What was kept; undefined where it is nothing of this kind. */
export function readJudging(text: string | undefined): Judging | undefined {
  if (text === undefined) return undefined;
  try {
    const { seed, systems, grades, lists } = v.parse(keptSchema, JSON.parse(text));
    return {
      ...{ seed, systems },
      grades: new Map(grades.map(([query, judged]) => [query, new Map(judged)])),
      lists: new Map(lists.map(([system, found]) => [system, new Map(found)])),
    };
  } catch {
    return undefined;
  }
}

/** A map of maps with one more value in it. */
export function withEntry<Value>(
  outer: ReadonlyMap<string, ReadonlyMap<string, Value>>,
  key: string,
  innerKey: string,
  value: Value | undefined,
): ReadonlyMap<string, ReadonlyMap<string, Value>> {
  const inner = new Map(outer.get(key));
  if (value === undefined) inner.delete(innerKey);
  else inner.set(innerKey, value);
  return new Map(outer).set(key, inner);
}
