import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Judgments } from '../../src/corpus/types.ts';
import { evaluate } from '../../src/metrics/evaluate.ts';
import { formatValue } from '../../src/metrics/format.ts';
import { parseMeasures } from '../../src/metrics/measures/registry.ts';
import { compareBytes } from '../../src/metrics/ranking.ts';
import type { Run } from '../../src/metrics/run.ts';

type Nested<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

const golden = JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8')) as {
  readonly qrels: Nested<number>;
  readonly run: Nested<number>;
  readonly expected: Readonly<Record<string, Nested<number>>>;
};

function judgmentsOf(qrels: Nested<number>): Judgments {
  return new Map(Object.entries(qrels).map(([query, grades]) => [query, new Map(Object.entries(grades))]));
}

function runOf(run: Nested<number>): Run {
  return new Map(
    Object.entries(run).map(([query, scores]) => [
      query,
      { documents: Object.keys(scores), scores: Object.values(scores) },
    ]),
  );
}

const measures = parseMeasures(
  'num_ret,num_rel,num_rel_ret,map,Rprec,bpref,recip_rank,P.1,5,10,recall.5,10,100,ndcg,ndcg_cut.1,5,10,100,' +
    'map_cut.5,100,success.1,5,10',
);

describe('evaluate', () => {
  const judgments = judgmentsOf(golden.qrels);
  const run = runOf(golden.run);

  it.each([1, 2])('gives the values of trec_eval at relevance level %d', (relevanceLevel) => {
    const { perQuery } = evaluate(judgments, run, measures, { relevanceLevel });
    const expected = golden.expected[relevanceLevel] ?? {};
    expect([...perQuery.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [query, values] of Object.entries(expected)) {
      for (const [name, value] of Object.entries(values)) {
        expect(perQuery.get(query)?.[name], `${name} of ${query}`).toBeCloseTo(value, 14);
      }
    }
  });

  it('averages measures and sums counts over the queries in both', () => {
    const { queries, metrics, perQuery } = evaluate(judgments, run, measures);
    expect(queries).toBe(15);
    const values = [...perQuery.values()];
    const sum = (name: string) => values.reduce((total, value) => total + (value[name] ?? 0), 0);
    expect(metrics.map).toBeCloseTo(sum('map') / 15, 14);
    expect(metrics.num_ret).toBe(sum('num_ret'));
  });

  it('counts a query that the run lacks as 0 when asked to, with its relevant documents', () => {
    const partial = evaluate(judgments, run, measures);
    const complete = evaluate(judgments, run, measures, { complete: true });
    expect(complete.queries).toBe(partial.queries + 1);
    expect(complete.metrics.num_rel).toBe((partial.metrics.num_rel ?? 0) + 1);
    expect(complete.metrics.map).toBeCloseTo(((partial.metrics.map ?? 0) * 15) / 16, 14);
    expect(complete.perQuery.get('not in the run')?.ndcg_cut_10).toBe(0);
  });

  it('drops the document that is the query itself before it cuts the ranking', () => {
    const judged = judgmentsOf({ q: { d: 1 } });
    const ranked = runOf({ q: { q: 2, d: 1 } });
    const recipRank = (dropIdentical: boolean) =>
      evaluate(judged, ranked, parseMeasures('mrr'), { dropIdentical, maxRank: 1 }).metrics.recip_rank;
    expect(recipRank(false)).toBe(0);
    expect(recipRank(true)).toBe(1);
  });

  it('gives 0, not NaN, when no query is in both', () => {
    const { queries, metrics } = evaluate(judgments, new Map(), measures);
    expect(queries).toBe(0);
    expect(metrics.map).toBe(0);
  });
});

describe('compareBytes', () => {
  it('orders as the UTF-8 bytes do', () => {
    const ids = ['', 'a', 'aa', 'b', 'é', '\ud7ff', '\ue000', '\uff5e', '\u{10000}', '\u{1f600}'];
    for (const a of ids) {
      for (const b of ids) {
        expect(Math.sign(compareBytes(a, b)), JSON.stringify([a, b])).toBe(
          Buffer.compare(Buffer.from(a), Buffer.from(b)),
        );
      }
    }
  });
});

describe('formatValue', () => {
  it.each([
    [0, '0.0000'],
    [1, '1.0000'],
    [2 / 3, '0.6667'],
    // Exact ties go to the even digit, as in C; toFixed would round up.
    [1 / 32, '0.0312'],
    [3 / 32, '0.0938'],
    [0.00005, '0.0001'],
  ])('%d is printed as C does: %s', (value, printed) => {
    expect(formatValue(value)).toBe(printed);
  });
});
