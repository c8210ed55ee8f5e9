import { withoutTopFolder, type ByteSource, type FileTree } from '../core/source.ts';
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

export interface BaselineOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told the share that is done, some times a second. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** Of the time that indexing takes, about. */
const INDEXING = 0.7;
const TELL_MILLISECONDS = 100;

/** What keyword search (BM25) finds for the judged queries of a split: what an encoder has to beat. */
export async function keywordBaseline(
  corpus: FileTree,
  split = 'test',
  { signal, onProgress }: BaselineOptions = {},
): Promise<KeywordBaseline> {
  const turn = yielding(signal);
  let told = performance.now();
  const tell = (share: number): void => {
    const now = performance.now();
    if (now - told < TELL_MILLISECONDS) return;
    told = now;
    onProgress?.(share);
  };
  const watched = watchedTree(withoutTopFolder(corpus), (share) => tell(INDEXING * share));
  const benchmark = await readBeir(watched, { split });
  const { queries, judgments } = benchmark;
  const builder = new Bm25Builder();
  for await (const document of benchmark.documents()) {
    await turn();
    builder.add(document.id, passageText(document));
  }
  const index = builder.finish();
  const ranking = new Map<string, readonly RankedDocument[]>();
  for (const [done, query] of queries.entries()) {
    await turn();
    tell(INDEXING + ((1 - INDEXING) * done) / queries.length);
    for (const [id, ranked] of rankWithBm25(index, [query], { k: DEPTH })) ranking.set(id, ranked);
  }
  const measures = parseMeasures('ndcg_cut_10,recall_100');
  const { metrics, queries: count } = evaluate(judgments, rankingToRun(ranking), measures, {
    complete: true,
  });
  return { split, queries: count, metrics };
}

/** The tree, whose reader of corpus.jsonl is followed. */
function watchedTree(tree: FileTree, onShare: (share: number) => void): FileTree {
  const watched = (source: ByteSource): ByteSource => ({
    ...source,
    async *stream(start, end) {
      let bytes = 0;
      for await (const chunk of source.stream(start, end)) {
        onShare((bytes += chunk.length) / source.size);
        yield chunk;
      }
    },
  });
  return {
    ...tree,
    open: async (path) => {
      const source = await tree.open(path);
      return path === 'corpus.jsonl' ? watched(source) : source;
    },
  };
}
