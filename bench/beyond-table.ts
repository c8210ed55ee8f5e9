/**
 * What a small transformer adds to a table of token vectors: word order, negation, passages by length and queries by
 * kind, for pico (a table), nano (two layers) and a teacher if one is given. The pairs are in word-pairs.json, the
 * passages are those of the demo corpus.
 *
 * Run: npm run bench -- beyond-table [--teacher FOLDER] [--model MODEL …]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RandomStream } from '../src/core/random.ts';
import { readBeir } from '../src/corpus/beir.ts';
import { passageText } from '../src/corpus/documents.ts';
import type { Judgments } from '../src/corpus/types.ts';
import type { Embedder } from '../src/encoders/embedder.ts';
import { openEmbedder } from '../src/encoders/open-embedder.ts';
import { readEncoder } from '../src/encoders/read-encoder.ts';
import { openTree } from '../src/host/node/files.ts';
import { openModelFiles } from '../src/host/node/model-files.ts';
import { openRuntime } from '../src/host/node/runtime.ts';
import { evaluate } from '../src/metrics/evaluate.ts';
import { parseMeasures } from '../src/metrics/measures/registry.ts';
import type { Run } from '../src/metrics/run.ts';
import { printTable } from './support/measure.ts';

const { values } = parseArgs({
  options: {
    teacher: { type: 'string' },
    model: { type: 'string', multiple: true, default: ['pico', 'nano'] },
    threads: { type: 'string', default: '2' },
  },
});

interface Pairs {
  /** A sentence, the same words with exchanged roles, and a paraphrase of the first. */
  readonly order: readonly (readonly [string, string, string])[];
  /** A sentence, its negation, and a paraphrase of each. */
  readonly negation: readonly (readonly [string, string, string, string])[];
}

interface Passage {
  readonly id: string;
  readonly text: string;
}

type Similarity = (a: string, b: string) => number;

const root = process.cwd();
const pairs = JSON.parse(readFileSync(join(root, 'bench/word-pairs.json'), 'utf8')) as Pairs;
const demo = await readBeir(await openTree(join(root, 'public/demo')));
const passages: Passage[] = [];
for await (const document of demo.documents()) {
  passages.push({ id: document.id, text: passageText(document) });
}
const ndcg = parseMeasures('ndcg_cut_10');

async function similarities(embedder: Embedder, texts: readonly string[]): Promise<Similarity> {
  const width = embedder.dimensions;
  const vectors = await embedder.embed(texts, 'passage');
  const rows = new Map(texts.map((text, row) => [text, vectors.subarray(row * width, (row + 1) * width)]));
  return (a, b) => {
    const [one, other] = [rows.get(a), rows.get(b)];
    let sum = 0;
    for (let x = 0; x < width; x++) sum += (one?.[x] ?? 0) * (other?.[x] ?? 0);
    return sum;
  };
}

/** How often the first similarity is larger, in percent; equal ones, but for rounding, count half. */
function preferred(trials: readonly (readonly [number, number])[]): string {
  const wins = trials.map(([right, wrong]) => (Math.abs(right - wrong) < 1e-6 ? 0.5 : right > wrong ? 1 : 0));
  return `${((100 * wins.reduce<number>((a, b) => a + b, 0)) / trials.length).toFixed(0)}%`;
}

function mean(numbers: readonly number[]): string {
  return (numbers.reduce((a, b) => a + b, 0) / numbers.length).toFixed(2);
}

/** nDCG@10 of each test query. */
async function retrieval(
  embedder: Embedder,
  documents: readonly Passage[],
  judgments: Judgments,
): Promise<ReadonlyMap<string, number>> {
  const width = embedder.dimensions;
  const of = await embedder.embed(
    documents.map(({ text }) => text),
    'passage',
  );
  const queries = await embedder.embed(
    demo.queries.map(({ text }) => text),
    'query',
  );
  const run: Run = new Map(
    demo.queries.map(({ id }, query) => {
      const scores = documents.map((_, row) => {
        let sum = 0;
        for (let x = 0; x < width; x++) sum += (queries[query * width + x] ?? 0) * (of[row * width + x] ?? 0);
        return sum;
      });
      return [id, { documents: documents.map((document) => document.id), scores }];
    }),
  );
  const { perQuery } = evaluate(judgments, run, ndcg);
  return new Map([...perQuery].map(([query, measures]) => [query, Object.values(measures)[0] ?? 0]));
}

/** Passages joined at random, so many at once; a joined one has the best grade of its parts. */
function joined(parts: number): { readonly documents: readonly Passage[]; readonly judgments: Judgments } {
  const order = new RandomStream(1, 'joined', parts).shuffle(Int32Array.from(passages.keys()));
  const placeOf = new Map<string, string>();
  const documents: Passage[] = [];
  for (let start = 0; start < order.length; start += parts) {
    const some = Array.from(order.subarray(start, start + parts), (at) => passages[at] as Passage);
    const id = `joined-${documents.length}`;
    for (const part of some) placeOf.set(part.id, id);
    documents.push({ id, text: some.map(({ text }) => text).join(' ') });
  }
  const judgments = new Map(
    [...demo.judgments].map(([query, grades]) => {
      const best = new Map<string, number>();
      for (const [passage, grade] of grades) {
        const place = placeOf.get(passage);
        if (place !== undefined) best.set(place, Math.max(grade, best.get(place) ?? 0));
      }
      return [query, best];
    }),
  );
  return { documents, judgments };
}

function kindOf(query: string): string {
  const asks = /\?$|^(what|why|how|which|when|where|who|can|do|does|is|are|should|will)\b/i;
  return asks.test(query) ? 'questions' : 'keywords and situations';
}

const rows: string[][] = [];
const models = [...values.model, ...(values.teacher === undefined ? [] : [values.teacher])];
const runtime = await openRuntime({ device: 'cpu', threads: Number(values.threads) });
for (const [column, model] of models.entries()) {
  const embedder = await openEmbedder(runtime, await readEncoder(await openModelFiles().open(model)));
  let row = 0;
  const add = (name: string, value: string): void => {
    rows[row] ??= [name];
    (rows[row++] as string[])[column + 1] = value;
  };
  const similarity = await similarities(embedder, [...new Set([...pairs.order, ...pairs.negation].flat())]);
  const { order, negation } = pairs;
  add('exchanged roles: cosine of the two', mean(order.map(([a, b]) => similarity(a, b))));
  add(
    `exchanged roles: right one nearer to the paraphrase, of ${order.length}`,
    preferred(order.map(([a, b, paraphrase]) => [similarity(a, paraphrase), similarity(b, paraphrase)])),
  );
  add('negation: cosine of the two', mean(negation.map(([a, b]) => similarity(a, b))));
  add(
    `negation: right one nearer to the paraphrase, of ${2 * negation.length}`,
    preferred(
      negation.flatMap(([a, b, ofA, ofB]) => [
        [similarity(a, ofA), similarity(b, ofA)] as const,
        [similarity(b, ofB), similarity(a, ofB)] as const,
      ]),
    ),
  );
  for (const parts of [1, 2, 4, 6]) {
    const { documents, judgments } = joined(parts);
    const words = documents.reduce((sum, { text }) => sum + text.split(' ').length, 0) / documents.length;
    const found = [...(await retrieval(embedder, documents, judgments)).values()];
    add(
      `nDCG@10, ${documents.length.toLocaleString('en')} passages of ${words.toFixed(0)} words`,
      (found.reduce((a, b) => a + b, 0) / found.length).toFixed(3),
    );
  }
  const found = await retrieval(embedder, passages, demo.judgments);
  for (const kind of ['questions', 'keywords and situations']) {
    const of = demo.queries.filter(({ text }) => kindOf(text) === kind);
    const sum = of.reduce((total, { id }) => total + (found.get(id) ?? 0), 0);
    add(`nDCG@10, ${of.length} queries: ${kind}`, (sum / of.length).toFixed(3));
  }
  await embedder.close();
}
await runtime.close();
printTable(['', ...models.map((model) => model.split('/').at(-1) ?? model)], rows);
