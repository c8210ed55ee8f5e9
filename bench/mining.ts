/**
 * Training lists for 10,000 queries × 20 candidates: mined with BM25, written and read, given teacher scores, scaled
 * filtered and mixed, without neural scoring; seconds of each step and the highest memory of the process. Then what each
 * filter rule finds of true positives among the negatives: in lists made for it, and in nq-utd's.
 *
 * Run: npm run bench -- mining [lists] [planted] [nq-utd]
 * nq-utd is looked for in $STUDIO_DATA or ../shared/data, its teacher (all-MiniLM-L6-v2) in $STUDIO_MODELS.
 */
import { isPositive } from '../src/corpus/text-key.ts';
import { readBeir } from '../src/corpus/beir.ts';
import { passageText } from '../src/corpus/documents.ts';
import { readLists, writeLists } from '../src/corpus/lists.ts';
import { bytesSource } from '../src/core/source.ts';
import type { Document, Judgments, ListRecord, Query } from '../src/corpus/types.ts';
import { uploadWeights } from '../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../src/encoders/graph-embedder.ts';
import { readEncoder } from '../src/encoders/read-encoder.ts';
import { openTree } from '../src/host/node/files.ts';
import { openModelFiles } from '../src/host/node/model-files.ts';
import { openRuntime } from '../src/host/node/runtime.ts';
import { RandomStream } from '../src/core/random.ts';
import { biEncoderTeacher } from '../src/lists/bi-encoder-teacher.ts';
import { applyRules } from '../src/lists/filter.ts';
import { mineHardNegatives } from '../src/lists/hard-negatives.ts';
import { makeListwiseLists } from '../src/lists/listwise-lists.ts';
import { filterQuality, filterRates } from '../src/lists/planted.ts';
import { parseRules } from '../src/lists/rule-spec.ts';
import { scaleTeacherScores } from '../src/lists/scaling.ts';
import { scoreLists } from '../src/lists/teacher.ts';
import { withTeacherScores } from '../src/lists/teacher-scores.ts';
import { keepPassages } from '../src/lists/verdicts.ts';
import { batchesOf } from '../src/training/list-objective.ts';
import { indexWithBm25, rankWithBm25 } from '../src/retrieval/retrieve.ts';
import { isPlanted, plantedLists } from '../test/lists/planted.ts';
import { printTable } from './support/measure.ts';

async function benchLists(size: { passages: number; queries: number; candidates: number }): Promise<void> {
  const rows: string[][] = [];
  const startedAt = performance.now();
  const step = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const before = process.cpuUsage();
    const start = performance.now();
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    rows.push([
      name,
      ((performance.now() - start) / 1000).toFixed(1),
      ((user + system) / 1e6).toFixed(1),
      (process.memoryUsage.rss() / 2 ** 20).toFixed(0),
    ]);
    return result;
  };

  const { documents, queries, judgments } = syntheticCollection(size);
  const madeAt = performance.now();
  const texts = new Map(documents.map((document) => [document.id, passageText(document)]));
  const index = await step('index with BM25', () => indexWithBm25(each(documents)));
  const ranking = await step('search, top 50', () => rankWithBm25(index, queries, { k: 50 }));
  const mined = await step('make lists', () => {
    const options = { candidates: size.candidates, firstRank: 1, lastRank: 50 };
    const sources = [{ source: 'bm25', ranking }];
    return makeListwiseLists(queries, judgments, sources, (id) => texts.get(id), options).lists;
  });
  const lists = await step('write and read as JSONL', async () => {
    const lines: Uint8Array[] = [];
    for await (const line of writeLists(mined, 'studio')) lines.push(Buffer.from(line));
    const read: ListRecord[] = [];
    for await (const list of readLists(bytesSource('lists.jsonl', Buffer.concat(lines)))) read.push(list);
    return read;
  });
  const scored = await step('put in scores', () => withTeacherScores(lists, noisyScores(lists)).lists);
  const scaled = await step('scale', () => scaleTeacherScores(scored, { group: 'file' }));
  const rules =
    'rank<=20, teacher-rank<=3, percentile>=5, positive-overlap<=0.6, negative-overlap<=0.6, share<=0.95, ' +
    'margin>=0.01, length>=5, length<=20';
  const { lists: judged, report } = await step('filter by nine rules', () =>
    applyRules(scaled, parseRules(rules)),
  );
  const { lists: left, report: kept } = await step('keep', () => keepPassages(judged));
  await step('mix two sources, an epoch of batches of 64', () => {
    const halves = left.map((list, i) => ({ ...list, origin: i % 2 === 0 ? 'bm25' : 'other' }));
    const batches = batchesOf(halves, {
      batches: {
        ...{ batchSize: 64, incomplete: 'drop', distinctPassages: true, negatives: 5, choice: 'stratified' },
        ...{ rowPer: 'list', otherPositives: false },
      },
      mix: {
        batches: 'mixed',
        sources: [
          { name: 'bm25', weight: 2 },
          { name: 'other', weight: 1, endWeight: 0 },
        ],
      },
      epochs: 1,
      seed: 1,
    });
    for (let at = 0; at < batches.stepsInEpochs(1); at++) batches.batch(0, at);
  });
  const total = (performance.now() - startedAt) / 1000;

  const passages = lists.reduce((sum, list) => sum + list.documents.length, 0);
  console.log(
    `Node ${process.version}; ${size.passages} passages, ${size.queries} queries, ${lists.length} lists with ` +
      `${passages} passages\n`,
  );
  printTable(['step', 's, wall clock', 's, processor', 'MiB after it'], rows);
  console.log(
    `all: ${total.toFixed(1)} s, of which ${((madeAt - startedAt) / 1000).toFixed(1)} s to invent the collection; ` +
      `at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB\n`,
  );
  printTable(
    ['rule', 'judges', 'kept', 'dropped'],
    report.rules.map(({ rule, judges, counts }) => [
      rule,
      judges,
      String(counts.kept),
      String(counts.dropped),
    ]),
  );
  console.log(`stay: ${kept.passages} passages in ${kept.lists} lists\n`);
}

/** Passages of 100 words whose frequencies fall as ranks rise; a query is six words of its passage. */
function syntheticCollection({ passages, queries }: { passages: number; queries: number }) {
  const random = new RandomStream(1, 'collection');
  const vocabulary = 50_000;
  const word = (): string => `word${Math.floor(vocabulary ** random.uniform())}`;
  const documents: Document[] = Array.from({ length: passages }, (_, i) => ({
    id: `d${i}`,
    title: '',
    text: Array.from({ length: 100 }, word).join(' '),
  }));
  const asked: Query[] = [];
  const judgments = new Map<string, Map<string, number>>();
  for (let i = 0; i < queries; i++) {
    const document = documents[(i * passages) / queries] as Document;
    const words = random.shuffle(document.text.split(' ')).slice(0, 6);
    asked.push({ id: `q${i}`, text: words.join(' ') });
    judgments.set(`q${i}`, new Map([[document.id, 1]]));
  }
  return { documents, queries: asked, judgments };
}

/** What a file of a teacher's scores would hold: positives about 4, others about 0, both ± 1.5. */
function noisyScores(lists: readonly ListRecord[]): Map<string, Map<string, number>> {
  const random = new RandomStream(2, 'scores');
  return new Map(
    lists.map(({ query_id, documents }) => [
      query_id,
      new Map(
        documents.map((document) => [document.id, (isPositive(document) ? 4 : 0) + 1.5 * random.normal()]),
      ),
    ]),
  );
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

const stacks = [
  'share<=0.95',
  'share<=0.9',
  'share<=0.8',
  'share<=0.6',
  'margin>=0',
  'margin>=0.05',
  'margin>=0.1',
  'relative-margin>=0.05',
  'teacher-rank<=1',
  'positive-overlap<=0.6',
  'positive-overlap<=0.6, share<=0.95',
  'teacher-rank<=1, share<=0.95',
];

/** One row for each stack of rules, on raw and on scaled scores. */
function printQuality(lists: readonly ListRecord[], isAnswer: Parameters<typeof filterQuality>[1]): void {
  const scaled = scaleTeacherScores(lists, { group: 'file' });
  const row = (rules: string, of: readonly ListRecord[], name: string): string[] => {
    const { precision, recall, lost } = filterRates(
      filterQuality(applyRules(of, parseRules(rules)).lists, isAnswer),
    );
    return [
      name,
      ...[precision, recall, lost].map((value) => (Number.isNaN(value) ? '–' : value.toFixed(3))),
    ];
  };
  printTable(
    ['rules', 'precision', 'recall', 'true negatives lost'],
    [
      ...stacks.map((rules) => row(rules, lists, rules)),
      ...['share<=0.95', 'share<=0.8', 'share<=0.6'].map((rules) => row(rules, scaled, `scaled: ${rules}`)),
    ],
  );
}

function benchPlanted(): void {
  const lists = plantedLists(2000, 1);
  console.log('planted: 2,000 lists with 17 true negatives and 2 answers labeled 0\n');
  printQuality(lists, isPlanted);
}

/** Each judged answer of nq-utd but the best is labeled 0 where BM25 finds it among its top 20. */
async function benchNqUtd(): Promise<void> {
  const models = process.env.STUDIO_MODELS;
  if (models === undefined) {
    console.log('nq-utd is left out: STUDIO_MODELS does not say where all-MiniLM-L6-v2 is');
    return;
  }
  const folder = `${process.env.STUDIO_DATA ?? '../shared/data'}/datasets/nq-utd`;
  const dataset = await readBeir(await openTree(folder), { split: 'test' });
  const texts = new Map<string, string>();
  for await (const document of dataset.documents()) texts.set(document.id, passageText(document));
  const index = await indexWithBm25(dataset.documents());
  const ranking = rankWithBm25(index, dataset.queries, { k: 20 });
  const { lists } = mineHardNegatives(
    dataset.queries,
    onlyTheBest(dataset.judgments),
    [{ source: 'bm25', ranking }],
    (id) => texts.get(id),
    { negatives: 20, firstRank: 1, lastRank: 20, pick: 'top', seed: 0, lists: 'per-query' },
  );
  const encoder = await readEncoder(await openModelFiles().open(`${models}/all-MiniLM-L6-v2`));
  const runtime = await openRuntime({ device: 'cpu' });
  const weights = await uploadWeights(runtime, encoder.weights);
  const embedder = new GraphEmbedder(runtime, encoder, () => weights);
  const scored = await scoreLists(
    lists,
    biEncoderTeacher((passages, side) => embedder.embed(passages, side)),
  );
  await embedder.close();
  await runtime.close();
  const answers = (id: string, { query_id }: ListRecord): boolean =>
    (dataset.judgments.get(query_id)?.get(id) ?? 0) > 0;
  const negatives = scored.flatMap((list) =>
    list.documents.filter((document) => !isPositive(document)).map(({ id }) => answers(id, list)),
  );
  console.log(
    `nq-utd: ${scored.length} lists of the best answer and BM25's top 20, with ` +
      `${negatives.length} negatives, of which ${negatives.filter(Boolean).length} are judged answers\n`,
  );
  printQuality(scored, ({ id }, list) => answers(id, list));
}

/** The highest grade of each query, and of equal ones the first. */
function onlyTheBest(judgments: Judgments): Judgments {
  return new Map(
    [...judgments].map(([query, grades]) => {
      const [best] = [...grades].sort(([, a], [, b]) => b - a);
      return [query, new Map(best === undefined ? [] : [best])];
    }),
  );
}

const wanted = process.argv.slice(2);
const isWanted = (part: string): boolean => wanted.length === 0 || wanted.includes(part);
if (isWanted('lists')) await benchLists({ passages: 50_000, queries: 10_000, candidates: 20 });
if (isWanted('planted')) benchPlanted();
if (isWanted('nq-utd')) await benchNqUtd();
