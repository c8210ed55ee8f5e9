// Paper A at small size: SciFact's training queries with mined negatives, and NQ-UTD, cross-fitted, with mined negatives
// against the same ones in the words of a language model. Writes the reports and one table over both sets.
//
//     node bench/paper-a/run.mjs DATASETS OUT [--minilm FOLDER]
//
// DATASETS holds scifact/ and nq-utd/ (with corpus.llama2-rewritten.jsonl). What is computed stays in OUT/store, so that
// the same command goes on where it was ended.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { minilm: { type: 'string' } },
  allowPositionals: true,
});
const [data, out] = positionals;
if (data === undefined || out === undefined) {
  console.error('Give the folder of the data sets and one for the results.');
  process.exit(2);
}
const program = fileURLToPath(new URL('../../bin/retriever-studio.js', import.meta.url));
const folds = [0, 1];
const recipe = (name) => fileURLToPath(new URL(`./${name}.json`, import.meta.url));

/** @param {readonly string[]} args */
function studio(...args) {
  const { status } = spawnSync(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** @param {string} path */
const jsonLines = (path) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/**
 * BM25's negatives of all queries, mined as the recipe mines them, each in the words of the language model. Who wrote a
 * passage is then the difference between the two sources; what it is about is hardly one.
 */
function writeRewritten(file) {
  const nqUtd = join(data, 'nq-utd');
  const mined = join(out, 'nq-utd-mined.jsonl');
  const how = [
    '--lists',
    'per-query',
    '--negatives',
    '5',
    '--ranks',
    '1-20',
    '--pick',
    'random',
    '--seed',
    '0',
  ];
  studio('mine', '--corpus', nqUtd, '--split', 'test', '--bm25', ...how, '--out', mined);
  const texts = new Map(
    jsonLines(join(nqUtd, 'corpus.llama2-rewritten.jsonl')).map(({ _id, title, text }) => [
      _id,
      `${title ?? ''} ${text}`.trim(),
    ]),
  );
  const lists = jsonLines(mined).map((list) => ({
    ...list,
    documents: list.documents.flatMap((document) => {
      if (document.label > 0) return [document];
      const text = texts.get(document.id);
      if (text === undefined) return [];
      return [
        { id: `${document.id}-rewritten`, text, label: 0, source: 'llm:llama2', prompt: 'rewritten@1' },
      ];
    }),
  }));
  writeFileSync(file, lists.map((list) => `${JSON.stringify(list)}\n`).join(''));
}

/** @param {string} name @param {string} report @param {readonly string[]} settings */
function run(name, report, ...settings) {
  const overrides = settings.flatMap((setting) => ['--set', setting]);
  const folder = join(out, report);
  console.error(`${new Date().toISOString()} ${report}`);
  studio('run', recipe(name), '--store', join(out, 'store'), '--out', folder, '--force', ...overrides);
  return join(folder, 'report.json');
}

/**
 * The arms that both sets have in one table, and all arms of NQ-UTD, whose folds come first, in another.
 * @param {string} encoder @param {readonly string[]} reports
 */
function tables(encoder, reports) {
  for (const [name, some] of [
    [encoder, reports],
    [`${encoder}-nq-utd`, reports.slice(0, folds.length)],
  ]) {
    studio('table', ...some, '--out', join(out, `${name}.md`), '--plot', join(out, `${name}.svg`));
  }
}

mkdirSync(out, { recursive: true });
const rewritten = join(out, 'rewritten.jsonl');
writeRewritten(rewritten);
const nqUtd = [`corpus.folder=${join(data, 'nq-utd')}`, `sources.rewritten.recorded.file=${rewritten}`];

const nano = folds.map((fold) => run('nq-utd', `nano-nq-utd-${fold}`, ...nqUtd, `corpus.fold.index=${fold}`));
nano.push(run('scifact', 'nano-scifact', `corpus.folder=${join(data, 'scifact')}`));
tables('nano', nano);

if (values.minilm !== undefined) {
  // A step of it takes ten times as long as one of nano: one seed, shorter passages, fewer steps.
  const small = (steps) => [
    `encoder.model=${values.minilm}`,
    'encoder.passageMaxLength=64',
    'seeds=[1]',
    `training.maxSteps=${steps}`,
    'training.learningRate=5e-5',
  ];
  const minilm = folds.map((fold) =>
    run('nq-utd', `minilm-nq-utd-${fold}`, ...nqUtd, ...small(12), `corpus.fold.index=${fold}`),
  );
  minilm.push(
    run(
      'scifact',
      'minilm-scifact',
      `corpus.folder=${join(data, 'scifact')}`,
      ...small(15),
      'training.evaluateEvery=5',
    ),
  );
  tables('minilm', minilm);
}
