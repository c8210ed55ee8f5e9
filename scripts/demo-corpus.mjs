// Makes public/demo/ from demo/topics/*.txt: the corpus, queries and judgments in BEIR's layout, and the recorded
// generations. With --teacher MODEL also the training lists with the teacher's scores.
//
//     npm run demo-corpus [-- --teacher MODEL] [--out DIR]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

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

const corpus = [];
const queries = [];
const recorded = [];
/** @type {Record<string, string[]>} */
const judgments = { train: [], dev: [], test: [] };
const folder = join(root, 'demo', 'topics');
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
  for (const [number, { kind, lines }] of generations.entries()) {
    const [about = '', ...items] = lines;
    const common = { recorded: true, topic: title, kind, prompt: `demo-${kind}`, prompt_version: 1 };
    const place = `${file}, generated ${kind} ${number + 1}`;
    if (kind === 'queries') {
      const passage = passages.find(({ text }) => text === about.slice(2));
      if (!passage) throw new Error(`${place}: the passage is not in the corpus`);
      const written = items.map((line) => {
        const [, type = '', text = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
        return { type, text };
      });
      recorded.push({ ...common, passage_id: passage.id, items: written });
    } else if (kind === 'negatives') {
      const group = groups.find(({ query }) => query === about.slice(2));
      if (group?.split !== 'train') throw new Error(`${place}: the query is none of the training queries`);
      const texts = items.map((line) => ({ text: line.slice(2) }));
      recorded.push({ ...common, query_id: `${topic}-${group.slug}`, items: texts });
    } else {
      const graded = items.map((line) => ({ grade: Number(line[0]), text: line.slice(2) }));
      recorded.push({ ...common, query: about.slice(2), items: graded });
    }
  }
}

mkdirSync(join(values.out, 'qrels'), { recursive: true });
writeFileSync(join(values.out, 'corpus.jsonl'), jsonLines(corpus));
writeFileSync(join(values.out, 'queries.jsonl'), jsonLines(queries));
writeFileSync(join(values.out, 'recorded.jsonl'), jsonLines(recorded));
for (const [split, lines] of Object.entries(judgments)) {
  writeFileSync(join(values.out, 'qrels', `${split}.tsv`), `query-id\tcorpus-id\tscore\n${lines.join('')}`);
}
console.log(`${corpus.length} passages, ${queries.length} queries, ${recorded.length} recorded generations`);

if (values.teacher !== undefined) {
  for (const [split, name] of [
    ['train', 'lists.jsonl'],
    ['dev', 'dev-lists.jsonl'],
  ]) {
    const mine = ['mine', '--corpus', values.out, '--split', split, '--bm25', '--lists', 'listwise'];
    const rest = [
      '--depth',
      '8',
      '--label-unjudged',
      '--teacher',
      values.teacher,
      '--out',
      join(values.out, name),
    ];
    const studio = join(root, 'bin', 'retriever-studio.js');
    const { status } = spawnSync(process.execPath, [studio, ...mine, ...rest], { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
}
