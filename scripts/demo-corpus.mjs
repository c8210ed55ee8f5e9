// Makes public/demo/ from demo/topics/*.txt and demo/written/*.tsv: the corpus, queries and judgments in BEIR's layout, and
// the recorded generations, also as training lists. With --teacher MODEL also the training lists with the teacher's scores, its
// scores for what recipes mine, and its vectors of the passages and of the queries that are trained on. It fails first if the
// teacher finds a query that is written or recorded to be nearly a test or dev query.
//
//     npm run demo-corpus [-- --teacher MODEL] [--out DIR]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nearlyHeldOut } from './demo-leaks.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { teacher: { type: 'string' }, out: { type: 'string', default: join(root, 'public', 'demo') } },
});

/** @param {string} file @param {number} line @param {string} problem @returns {never} */
function fail(file, line, problem) {
  console.error(`${file}:${line + 1}: ${problem}`);
  process.exit(2);
}

/**
 * @typedef {{ grade: number, text: string, id: string }} Passage
 * @typedef {{ slug: string, split: string, query: string, passages: Passage[] }} Group
 * @typedef {{ kind: string, lines: string[] }} Generation
 * @param {string} path
 * @returns {{ title: string, groups: Group[], generations: Generation[] }}
 */
function readTopic(path) {
  let title = '';
  /** @type {Group[]} */
  const groups = [];
  /** @type {Generation[]} */
  const generations = [];
  /** @type {Group | Generation | undefined} */
  let block;
  readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .forEach((line, number) => {
      const text = line.trim();
      if (text === '') return;
      const heading = /^== ([a-z0-9-]+) \| (train|dev|test)$/.exec(text);
      const generated = /^== generated (queries|negatives|graded)$/.exec(text);
      if (text.startsWith('# ')) title = text.slice(2);
      else if (heading) {
        block = { slug: heading[1] ?? '', split: heading[2] ?? '', query: '', passages: [] };
        groups.push(block);
      } else if (generated) {
        block = { kind: generated[1] ?? '', lines: [] };
        generations.push(block);
      } else if (block === undefined) fail(path, number, 'stands in no block');
      else if ('lines' in block) block.lines.push(text);
      else if (text.startsWith('? ')) block.query = text.slice(2);
      else if (/^[0-3] \S/.test(text)) {
        block.passages.push({ grade: Number(text[0]), text: text.slice(2), id: '' });
      } else fail(path, number, 'is neither a query nor a graded passage');
    });
  return { title, groups, generations };
}

/** @param {string} text */
const digest = (text) => createHash('sha256').update(text).digest('hex');
/** @param {readonly unknown[]} records */
const jsonLines = (records) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** @param {string} kind */
const writer = (kind) => ({ source: 'llm:recorded', prompt: `demo-${kind}@1` });

const corpus = [];
const queries = [];
const recorded = [];
/** The recorded generations as training lists, by kind. */
const recordedLists = { queries: [], negatives: [], graded: [] };
/** What the recorded queries are called as the kinds of queries that the studio's prompts write. */
const queryTypes = { question: 'questions', keywords: 'keywords', claim: 'claims', situation: 'situations' };
/** A written query for each passage, as lists whose passage is the corpus's. @type {({ query_id: string, query: string } & Record<string, unknown>)[]} */
const writtenLists = [];
/** @type {Record<string, string[]>} */
const judgments = { train: [], dev: [], test: [] };
const folder = join(root, 'demo', 'topics');
const written = join(root, 'demo', 'written');
for (const file of readdirSync(folder).sort()) {
  const topic = basename(file, '.txt');
  const { title, groups, generations } = readTopic(join(folder, file));
  // By their hashes, so that neither order nor id tells which passages belong together.
  const passages = groups
    .flatMap((group) => group.passages)
    .sort((a, b) => (digest(a.text) < digest(b.text) ? -1 : 1));
  passages.forEach((passage, i) => (passage.id = `${topic}-${String(i + 1).padStart(3, '0')}`));
  for (const { id, text } of passages) corpus.push({ _id: id, title: '', text, metadata: { topic: title } });
  for (const { slug, split, query, passages: own } of groups) {
    const id = `${topic}-${slug}`;
    queries.push({ _id: id, text: query, metadata: { topic: title } });
    for (const { id: passage, grade } of own) judgments[split]?.push(`${id}\t${passage}\t${grade}\n`);
  }
  for (const [number, line] of readFileSync(join(written, `${topic}.tsv`), 'utf8')
    .trimEnd()
    .split('\n')
    .entries()) {
    const [id = '', kind = '', query = ''] = line.split('\t');
    const type = queryTypes[kind];
    if (type === undefined || query === '' || !passages.some((passage) => passage.id === id)) {
      fail(join(written, `${topic}.tsv`), number, 'is no passage, kind and query, separated by tabs');
    }
    const documents = [{ id, label: 1, ...writer('written') }];
    writtenLists.push({ query_id: `${id}-written`, query, query_type: type, documents });
  }
  for (const [number, { kind, lines }] of generations.entries()) {
    const [about = '', ...items] = lines;
    const common = { recorded: true, topic: title, kind, prompt: `demo-${kind}`, prompt_version: 1 };
    const place = `${file}, generated ${kind} ${number + 1}`;
    if (kind === 'queries') {
      const passage = passages.find(({ text }) => text === about.slice(2));
      if (!passage) throw new Error(`${place}: the passage is not in the corpus`);
      const queriesOfPassage = items.map((line) => {
        const [, type = '', text = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
        return { type, text };
      });
      recorded.push({ ...common, passage_id: passage.id, items: queriesOfPassage });
      const positive = { id: passage.id, text: passage.text, label: 1, ...writer(kind) };
      for (const { type, text } of queriesOfPassage) {
        recordedLists.queries.push({
          query_id: `${passage.id}-${type}`,
          query: text,
          query_type: queryTypes[type],
          documents: [positive],
        });
      }
    } else if (kind === 'negatives') {
      const group = groups.find(({ query }) => query === about.slice(2));
      if (group?.split !== 'train') throw new Error(`${place}: the query is none of the training queries`);
      const texts = items.map((line) => ({ text: line.slice(2) }));
      recorded.push({ ...common, query_id: `${topic}-${group.slug}`, items: texts });
      const gold = group.passages.filter(({ grade }) => grade >= 2).sort((a, b) => b.grade - a.grade);
      recordedLists.negatives.push({
        query_id: `${topic}-${group.slug}`,
        query: group.query,
        documents: [
          ...gold.map(({ id, text, grade }) => ({ id, text, label: grade, source: 'gold' })),
          ...texts.map(({ text }, i) => ({
            ...{ id: `${topic}-${group.slug}-written-${i + 1}`, text, label: 0 },
            ...writer(kind),
          })),
        ],
      });
    } else {
      const graded = items.map((line) => ({ grade: Number(line[0]), text: line.slice(2) }));
      recorded.push({ ...common, query: about.slice(2), items: graded });
      const id = `${topic}-graded-${number + 1}`;
      recordedLists.graded.push({
        query_id: id,
        query: about.slice(2),
        documents: graded.map(({ grade, text }) => ({
          ...{ id: `${id}-${grade}`, text, label: grade },
          ...writer(kind),
        })),
      });
    }
  }
}

mkdirSync(join(values.out, 'qrels'), { recursive: true });
writeFileSync(join(values.out, 'corpus.jsonl'), jsonLines(corpus));
writeFileSync(join(values.out, 'queries.jsonl'), jsonLines(queries));
writeFileSync(join(values.out, 'recorded.jsonl'), jsonLines(recorded));
for (const [kind, lists] of Object.entries(recordedLists)) {
  writeFileSync(join(values.out, `recorded-${kind}.jsonl`), jsonLines(lists));
}
writeFileSync(join(values.out, 'recorded-written.jsonl'), jsonLines(writtenLists));
for (const [split, lines] of Object.entries(judgments)) {
  writeFileSync(join(values.out, 'qrels', `${split}.tsv`), `query-id\tcorpus-id\tscore\n${lines.join('')}`);
}
console.log(
  `${corpus.length} passages, ${queries.length} queries, ${recorded.length} recorded generations, ${writtenLists.length} written queries`,
);

/** @param {readonly string[]} args of the command line */
function studio(args) {
  const program = join(root, 'bin', 'retriever-studio.js');
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Mines listwise lists of a corpus's split, with the scores of the teacher.
 * @param {string} folder @param {string} split @param {number} depth @param {string} out @param {string} teacher
 * @param {readonly string[]} retriever
 */
function mine(folder, split, depth, out, teacher, retriever = ['--bm25']) {
  const what = ['mine', '--corpus', folder, '--split', split, ...retriever, '--lists', 'listwise'];
  const how = ['--negatives', String(depth), '--label-unjudged', '--teacher', teacher, '--out', out];
  studio([...what, ...how]);
}

/** The queries that recipes extract: a prompt and its number of queries for a passage. */
const extracted = [
  ['extract-clauses', '2'],
  ['extract-keywords', '1'],
];

/** Candidates of each query whose scores recipes may ask for. */
const scoredDepth = 20;

/**
 * The teacher's scores of the training and the recorded queries with their candidates by BM25, of the training queries
 * with nano's, and of recorded passages.
 * @param {string} teacher
 */
function writeScores(teacher) {
  const work = mkdtempSync(join(tmpdir(), 'demo-scores-'));
  const asked = [
    ...queries.map(({ _id, text }) => ({ _id, text })),
    ...recordedLists.queries.map(({ query_id, query }) => ({ _id: query_id, text: query })),
  ];
  const judged = [
    ...(judgments.train ?? []),
    ...recordedLists.queries.map(({ query_id, documents }) => `${query_id}\t${documents[0].id}\t1\n`),
  ];
  mkdirSync(join(work, 'qrels'));
  cpSync(join(values.out, 'corpus.jsonl'), join(work, 'corpus.jsonl'));
  writeFileSync(join(work, 'queries.jsonl'), jsonLines(asked));
  writeFileSync(join(work, 'qrels', 'train.tsv'), `query-id\tcorpus-id\tscore\n${judged.join('')}`);
  mine(work, 'train', scoredDepth, join(work, 'lists.jsonl'), teacher);
  mine(values.out, 'train', scoredDepth, join(work, 'dense.jsonl'), teacher, ['--model', 'nano']);
  const scored = ['lists.jsonl', 'dense.jsonl'];
  for (const kind of ['negatives', 'graded']) {
    const file = `recorded-${kind}.jsonl`;
    scored.push(file);
    studio(['filter', '--lists', join(values.out, file), '--teacher', teacher, '--out', join(work, file)]);
  }
  /** @type {Map<string, string>} */
  const lines = new Map();
  for (const file of scored) {
    for (const line of readFileSync(join(work, file), 'utf8').trim().split('\n')) {
      const { query_id, documents } = JSON.parse(line);
      for (const { id, teacher: value } of documents) {
        const pair = `${query_id}\t${id}`;
        // What a text is scored beside can change the last digit.
        if (!lines.has(pair)) lines.set(pair, `${pair}\t${value.toFixed(4)}\n`);
      }
    }
  }
  writeFileSync(join(values.out, 'teacher-scores.tsv'), [...lines.values()].join(''));
  rmSync(work, { recursive: true });
}

/**
 * The queries that recipes extract, as lists.
 * @param {string} work
 */
function extractQueries(work) {
  const from = ['--generator', 'extract', '--corpus', values.out, '--store', join(work, 'store')];
  return extracted.map(([prompt, count]) => {
    const file = join(work, `${prompt}.jsonl`);
    studio(['generate', ...from, '--prompt', prompt, '--count', count, '--out', file]);
    return file;
  });
}

/** The queries of a split. @param {string} split */
function queriesOfSplit(split) {
  const ids = new Set((judgments[split] ?? []).map((line) => line.split('\t')[0]));
  return queries.filter(({ _id }) => ids.has(_id));
}

/** What a teacher's cosine may be between a query that is trained on and one that is held out. */
const mostCosine = 0.9;

/**
 * Fails if a written or recorded query is nearly a test or dev query by the teacher's cosine, which the compact
 * vectors cannot tell of test queries: they hold none.
 * @param {string} teacher @param {string} work @param {readonly string[]} extractedLists
 */
function checkLeaks(teacher, work, extractedLists) {
  /** @param {string} file @returns {string[]} */
  const queriesOf = (file) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).query);
  const own = [...writtenLists, ...recordedLists.queries, ...recordedLists.graded].map(({ query }) => query);
  const cut = new Set(extractedLists.flatMap(queriesOf));
  const trained = [...new Set([...own, ...cut])];
  const heldOut = [...queriesOfSplit('dev'), ...queriesOfSplit('test')].map(({ text }) => text);
  const vectors = embedQueries(teacher, [...heldOut, ...trained], work);
  const held = vectors.slice(0, heldOut.length);
  /** @param {boolean} isCut @param {readonly { text: string, vector: Float32Array }[]} all */
  const nearly = (isCut, all) =>
    nearlyHeldOut(
      all.filter(({ text }) => cut.has(text) === isCut),
      held,
      mostCosine,
    );
  const found = nearly(false, vectors.slice(heldOut.length));
  for (const pair of found) console.error(`nearly a held-out query, cosine ${pair}`);
  if (found.length > 0) process.exit(2);
  // A part of a passage may be what a test query asks for: the corpus is known.
  for (const pair of nearly(true, vectors.slice(heldOut.length)))
    console.log(`a part of a passage: cosine ${pair}`);
  console.log(
    `${trained.length} queries to train with; none that was written is nearly one of ${heldOut.length} held-out ones`,
  );
}

/**
 * @param {string} teacher @param {readonly string[]} texts @param {string} work
 */
function embedQueries(teacher, texts, work) {
  const [asked, out] = [join(work, 'texts.jsonl'), join(work, 'texts.npy')];
  writeFileSync(asked, jsonLines(texts.map((text, i) => ({ _id: String(i), text }))));
  studio(['embed', '--model', teacher, '--in', asked, '--as', 'query', '--out', out]);
  const bytes = readFileSync(out);
  const start = 10 + bytes.readUInt16LE(8);
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
  const dimension = all.length / texts.length;
  return texts.map((text, i) => ({ text, vector: all.subarray(i * dimension, (i + 1) * dimension) }));
}

/**
 * The teacher's vectors of passages, training, dev, written and extracted queries, reduced and as int8. None of a test query.
 * @param {string} teacher @param {string} work @param {readonly string[]} extractedLists
 */
function writeVectors(teacher, work, extractedLists) {
  const asked = join(work, 'queries.jsonl');
  const heldOut = new Set(queriesOfSplit('test'));
  const known = queries.filter((query) => !heldOut.has(query));
  const written = writtenLists.map(({ query_id, query }) => ({ _id: query_id, text: query }));
  writeFileSync(asked, jsonLines([...known, ...written]));
  const lists = extractedLists.flatMap((file) => ['--lists', file]);
  const texts = ['--corpus', values.out, '--queries', asked, ...lists];
  const out = ['--out', join(values.out, 'teacher-vectors.safetensors')];
  studio(['embed', '--model', teacher, ...texts, '--dimensions', '128', '--int8', ...out]);
}

if (values.teacher !== undefined) {
  const work = mkdtempSync(join(tmpdir(), 'demo-vectors-'));
  const extractedLists = extractQueries(work);
  checkLeaks(values.teacher, work, extractedLists);
  mine(values.out, 'train', 8, join(values.out, 'lists.jsonl'), values.teacher);
  mine(values.out, 'dev', 8, join(values.out, 'dev-lists.jsonl'), values.teacher);
  writeScores(values.teacher);
  writeVectors(values.teacher, work, extractedLists);
  rmSync(work, { recursive: true });
}
