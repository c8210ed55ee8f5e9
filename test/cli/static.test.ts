/** Static encoders on the command line: the commands of other encoders, without ONNX Runtime. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, type CliResult } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { staticGolden } from '../support/static-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const model = join(staticGolden, 'sentence-transformers');
const model2vec = join(staticGolden, 'model2vec');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'studio-static-'));
  writeFileSync(join(folder, 'lists.jsonl'), listFile(makeLists(24)));
  writeFileSync(join(folder, 'texts.txt'), 'light and heat\n\u00b5\n');
  mkdirSync(join(folder, 'data/qrels'), { recursive: true });
  const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
  const lists = makeLists(24);
  const passages = lists.flatMap(({ documents }) => documents.map(({ id, text }) => ({ _id: id, text })));
  writeFileSync(join(folder, 'data/corpus.jsonl'), lines(passages));
  writeFileSync(
    join(folder, 'data/queries.jsonl'),
    lines(lists.map(({ query_id: _id, query: text }) => ({ _id, text }))),
  );
  const judged = lists.map(({ query_id: id }, i) => `${id}\tp${i}\t1`);
  writeFileSync(join(folder, 'data/qrels/test.tsv'), ['query-id\tcorpus-id\tscore', ...judged].join('\n'));
  // Tells at the end whether ONNX Runtime was loaded.
  writeFileSync(
    join(folder, 'watch.mjs'),
    `import module from 'node:module';
     process.on('exit', () => {
       const loaded = Object.keys(module._cache).some((path) => path.includes('/onnxruntime-node/dist/'));
       process.stderr.write(loaded ? 'with ONNX Runtime' : 'without ONNX Runtime');
     });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: readonly string[]): Promise<CliResult> {
  return runCli(args, { env: { NODE_OPTIONS: `--import=${join(folder, 'watch.mjs')}` } });
}

function train(out: string, ...args: readonly string[]): Promise<CliResult> {
  const paths = ['--model', model, '--lists', join(folder, 'lists.jsonl'), '--out', join(folder, out)];
  return run('train', ...paths, '--batch-size', '4', '--lr', '0.05', '--epochs', '4', ...args);
}

it('trains a table, writes it as a folder of the same layout, without ONNX Runtime', async () => {
  const result = await train('trained', '--json');
  expect(result.stderr).toMatch(/without ONNX Runtime$/);
  const report = onlyJson(result) as {
    readonly losses: readonly number[];
    readonly breaks: readonly string[];
  };
  expect(report.losses.at(-1)).toBeLessThan(report.losses[0]!);
  const files = readdirSync(join(folder, 'trained')).filter((file) => !file.startsWith('.'));
  expect(files.sort()).toEqual([
    '0_StaticEmbedding',
    'README.md',
    'config_sentence_transformers.json',
    'modules.json',
    'onnx',
  ]);
});

it('searches and mines without ONNX Runtime', async () => {
  const out = join(folder, 'run.trec');
  const corpus = ['--corpus', join(folder, 'data'), '--split', 'test', '--model', model];
  const searched = await run('search', ...corpus, '--out', out, '--k', '5');
  expect(searched, searched.stderr).toMatchObject({ code: 0 });
  expect(searched.stderr).toMatch(/without ONNX Runtime$/);
  expect(readFileSync(out, 'utf8').trimEnd().split('\n')).toHaveLength(24 * 5);
  const mined = await run('mine', ...corpus, '--out', join(folder, 'mined.jsonl'));
  expect(mined, mined.stderr).toMatchObject({ code: 0 });
  expect(mined.stderr).toMatch(/without ONNX Runtime$/);
});

it('warns of texts without a known token when it embeds them', async () => {
  const embed = (by: string): Promise<CliResult> =>
    run('embed', '--model', by, '--in', join(folder, 'texts.txt'), '--out', join(folder, 'vectors.npy'));
  const { stderr, code } = await embed(model2vec);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/1 text has no token that the encoder knows: its vector is zero/);
  expect(stderr).toMatch(/without ONNX Runtime$/);
  // What is watched for is seen where it is there.
  expect((await embed(tinyModel('tiny-bert'))).stderr).toMatch(/with ONNX Runtime$/);
});

it('refuses what a step over rows does not do', async () => {
  const { stderr, ...result } = await train('refused', '--weight-decay', '0.1');
  const lines = { ...result, stderr: stderr.replace(/with(out)? ONNX Runtime$/, '') };
  expectBadInput(
    lines,
    /a static encoder cannot be trained with weight decay: .*\. Remove the setting, or use/,
  );
});
