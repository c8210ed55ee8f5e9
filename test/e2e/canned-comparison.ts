/** A finished comparison of encoders, invented. */
import type { PairResult } from '../../src/metrics/compare-systems.ts';
import type { ComparedEncoder, ComparedRow, ModelComparison } from '../../src/pipeline/compare-models.ts';
import { pair } from './canned-run.ts';

function encoder(
  model: string,
  parameters: number,
  dimensions: number,
  passagesPerSecond: number,
): ComparedEncoder {
  return { model, parameters, dimensions, passagesPerSecond, canBeTrained: true };
}

function test(system: string, metric: string, difference: number, p: number): PairResult {
  return pair(system, 'bm25', difference, p, metric);
}

const bm25 = { ndcg_cut_10: 0.526, recall_100: 0.605 };

function row(
  system: string,
  kind: ComparedRow['kind'],
  of: ComparedEncoder | null,
  [ndcg, recall]: readonly [number, number],
  p = 0.0012,
): ComparedRow {
  const value = (mean: number) => ({ mean, interval: [mean - 0.03, mean + 0.03] as const });
  return {
    ...{ system, kind, encoder: of },
    metrics: { ndcg_cut_10: value(ndcg), recall_100: value(recall) },
    tests:
      kind === 'bm25'
        ? {}
        : {
            ndcg_cut_10: test(system, 'ndcg_cut_10', ndcg - bm25.ndcg_cut_10, p),
            recall_100: test(system, 'recall_100', recall - bm25.recall_100, p),
          },
  };
}

const pico = encoder('pico', 3_570_000, 128, 6375);
const nano = encoder('nano', 1_880_000, 160, 150);
const large = encoder('org/large', 22_600_000, 384, 23.5);

export const comparison: ModelComparison = {
  corpus: { name: 'own corpus', passages: 2239, queries: 250, judgedBy: 'test' },
  alpha: 0.05,
  rows: [
    row('bm25', 'bm25', null, [bm25.ndcg_cut_10, bm25.recall_100]),
    row('pico', 'encoder', pico, [0.532, 0.721], 1),
    row('pico + bm25', 'hybrid', pico, [0.573, 0.729]),
    row('nano', 'encoder', nano, [0.436, 0.607]),
    row('nano + bm25', 'hybrid', nano, [0.519, 0.664], 1),
    row('org/large', 'encoder', large, [0.545, 0.75], 0.3),
    row('org/large + bm25', 'hybrid', large, [0.43, 0.8]),
  ],
  failed: [],
  proposal: {
    ...{ model: 'pico', value: 0.532, best: 'org/large', bestValue: 0.545, timesAsFast: 271 },
    ...{ others: 2, worse: 1 },
    test: { difference: -0.013, interval: [-0.041, 0.015], p: 0.34 },
  },
};
