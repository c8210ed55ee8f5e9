import type { FileTree } from '../core/source.ts';
import { yielding } from '../core/waiting.ts';
import { readBeir } from '../corpus/beir.ts';
import { passageText } from '../corpus/documents.ts';
import { evaluate } from '../metrics/evaluate.ts';
import { parseMeasures } from '../metrics/measures/registry.ts';
import { Bm25Builder } from '../retrieval/bm25.ts';
import type { RankedDocument } from '../retrieval/ranking.ts';
import { rankingToRun } from '../retrieval/ranking.ts';
import { rankWithBm25 } from '../retrieval/retrieve.ts';

// A type alias, so that it is assignable to Json.
export type KeywordBaseline = Readonly<{
  split: string;
  queries: number;
  /** `ndcg_cut_10` and `recall_100`. */
  metrics: Readonly<Record<string, number>>;
}>;

const DEPTH = 100;

/** What keyword search (BM25) finds for the judged queries of a split: what an encoder has to beat. */
export async function keywordBaseline(
  corpus: FileTree,
  split = 'test',
  signal?: AbortSignal,
): Promise<KeywordBaseline> {
  const turn = yielding(signal);
  const benchmark = await readBeir(corpus, { split });
  const { queries, judgments } = benchmark;
  const builder = new Bm25Builder();
  for await (const document of benchmark.documents()) {
    await turn();
    builder.add(document.id, passageText(document));
  }
  const index = builder.finish();
  const ranking = new Map<string, readonly RankedDocument[]>();
  for (const query of queries) {
    await turn();
    for (const [id, ranked] of rankWithBm25(index, [query], { k: DEPTH })) ranking.set(id, ranked);
  }
  const measures = parseMeasures('ndcg_cut_10,recall_100');
  const { metrics, queries: count } = evaluate(judgments, rankingToRun(ranking), measures, {
    complete: true,
  });
  return { split, queries: count, metrics };
}
