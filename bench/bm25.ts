/**
 * BM25 on SciFact beside minisearch, in one run on one thread: time and memory of the index, queries per second,
 * nDCG@10. Processor time, so that a busy machine does not count.
 *
 * Run: npm run bench -- bm25
 * It looks for the data in $STUDIO_DATA or ../shared/data.
 */
import MiniSearch from 'minisearch';
import { readBeir } from '../src/corpus/beir.ts';
import { passageText } from '../src/corpus/documents.ts';
import type { Judgments } from '../src/corpus/types.ts';
import { openTree } from '../src/host/node/files.ts';
import { evaluate } from '../src/metrics/evaluate.ts';
import { parseMeasures } from '../src/metrics/measures/registry.ts';
import type { ScoredDocuments } from '../src/metrics/run.ts';
import { createAnalyzer } from '../src/retrieval/analyzer.ts';
import { Bm25Builder, Bm25Index } from '../src/retrieval/bm25.ts';
import { fastest, liveBytes, printTable } from './support/measure.ts';

interface Passage {
  readonly id: string;
  readonly text: string;
}

interface Engine {
  readonly name: string;
  readonly build: (passages: readonly Passage[]) => (query: string, k: number) => ScoredDocuments;
}

const analyzer = createAnalyzer('english');

const engines: readonly Engine[] = [
  {
    name: 'retriever-studio',
    build: (passages) => {
      const builder = new Bm25Builder();
      for (const { id, text } of passages) builder.add(id, text);
      const index = builder.finish();
      return (query, k) => {
        const found = index.search(query, k);
        return { documents: found.map(({ id }) => id), scores: found.map(({ score }) => score) };
      };
    },
  },
  {
    name: 'minisearch, as it comes',
    build: (passages) => searchWith(new MiniSearch<Passage>({ fields: ['text'] }), passages),
  },
  {
    name: 'minisearch with our analyzer, k1 0.9, b 0.4',
    build: (passages) => {
      const index = new MiniSearch<Passage>({
        fields: ['text'],
        tokenize: (text) => analyzer.analyze(text),
        processTerm: (term) => term,
        searchOptions: { bm25: { k: 0.9, b: 0.4, d: 0 } },
      });
      return searchWith(index, passages);
    },
  },
];

function searchWith(
  index: MiniSearch<Passage>,
  passages: readonly Passage[],
): (query: string, k: number) => ScoredDocuments {
  index.addAll(passages);
  return (query, k) => {
    const found = index.search(query).slice(0, k);
    return { documents: found.map(({ id }) => id as string), scores: found.map(({ score }) => score) };
  };
}

async function measure(
  { name, build }: Engine,
  passages: readonly Passage[],
  queries: ReadonlyMap<string, string>,
  judgments: Judgments,
): Promise<{ row: string[]; queriesPerSecond: number }> {
  const before = liveBytes();
  let search: ReturnType<Engine['build']> = () => ({ documents: [], scores: [] });
  const building = await fastest(3, () => (search = build(passages)));
  const megabytes = (liveBytes() - before) / 1e6;
  const rates: number[] = [];
  for (const k of [10, 100, 1000]) {
    const rounds = name === 'retriever-studio' ? 10 : 1;
    const searching = await fastest(4, () => {
      for (let round = 0; round < rounds; round++) for (const text of queries.values()) search(text, k);
    });
    rates.push((rounds * queries.size) / searching.processor);
  }
  const run = new Map([...queries].map(([id, text]) => [id, search(text, 1000)]));
  const { metrics } = evaluate(judgments, run, parseMeasures('ndcg_cut_10'), { complete: true });
  return {
    row: [
      name,
      building.processor.toFixed(2),
      megabytes.toFixed(1),
      ...rates.map((rate) => rate.toFixed(0)),
      (metrics.ndcg_cut_10 ?? 0).toFixed(4),
    ],
    queriesPerSecond: rates[1] ?? 0,
  };
}

const folder = `${process.env.STUDIO_DATA ?? '../shared/data'}/datasets/scifact`;
const dataset = await readBeir(await openTree(folder));
const passages: Passage[] = [];
for await (const document of dataset.documents()) {
  passages.push({ id: document.id, text: passageText(document) });
}
const queries = new Map(dataset.queries.map(({ id, text }) => [id, text]));
const results = [];
for (const engine of engines) results.push(await measure(engine, passages, queries, dataset.judgments));
console.log(`Node ${process.version}, ${passages.length} documents, ${queries.size} queries\n`);
printTable(
  ['engine', 'index, s', 'index, MB', 'queries/s, top 10', 'top 100', 'top 1000', 'nDCG@10'],
  results.map(({ row }) => row),
);
const [ours, ...others] = results.map(({ queriesPerSecond }) => queriesPerSecond);
console.log(
  `top 100: ${others.map((rate) => ((ours ?? 0) / rate).toFixed(0)).join(' and ')} times as fast\n`,
);

const builder = new Bm25Builder();
for (const { id, text } of passages) builder.add(id, text);
const index = builder.finish();
const bytes = index.serialize();
const writing = await fastest(5, () => index.serialize());
const reading = await fastest(5, () => Bm25Index.deserialize(bytes, 'index'));
console.log(
  `${index.terms} terms, ${index.postings} postings; file ${(bytes.length / 1e6).toFixed(1)} MB, ` +
    `written in ${(writing.processor * 1000).toFixed(0)} ms, read in ${(reading.processor * 1000).toFixed(0)} ms`,
);
