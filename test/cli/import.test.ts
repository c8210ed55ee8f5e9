import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';

const faq = Array.from(
  { length: 12 },
  (_, i) => `What is thing number ${i}?,The thing with the number ${i} is a stone of kind${i}`,
);
const csv = ['question,answer', ...faq].join('\n');

it('makes a corpus of a file, prints BM25 on it, and other commands take it', async () => {
  const folder = temporaryFolder({ 'faq.csv': csv });
  const out = join(folder, 'corpus');
  const result = await runCli(['import', join(folder, 'faq.csv'), '--out', out, '--test-share', '1']);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain('12 passages of 12 texts');
  expect(result.stdout).toContain('queries: 12, test: 12 judgments');
  expect(result.stdout).toMatch(
    /BM25 on 12 test queries:\nndcg_cut_10\s+all\s+\d\.\d{4}\nrecall_100\s+all\s+1\.0000\n/,
  );
  const run = join(folder, 'bm25.run');
  const search = onlyJson(await runCli(['search', '--bm25', '--corpus', out, '--out', run, '--json']));
  const value = /ndcg_cut_10\s+all\s+(\S+)/.exec(result.stdout)?.[1];
  expect((search as { metrics: Record<string, number> }).metrics.ndcg_cut_10?.toFixed(4)).toBe(value);
});

it('reports as JSON, with the lengths in tokens of an encoder', async () => {
  const folder = temporaryFolder({ 'faq.csv': csv });
  const out = join(folder, 'corpus');
  const report = onlyJson(
    await runCli(['import', join(folder, 'faq.csv'), '--out', out, '--model', 'pico', '--json']),
  );
  expect(report).toMatchObject({
    kind: 'texts and questions',
    passages: 12,
    lengths: { words: { median: 11 }, tokens: { sampled: 12 } },
    bm25: { split: 'test' },
  });
});

it('shows what files are without importing them', async () => {
  const folder = temporaryFolder({ 'faq.csv': csv });
  const { code, stdout } = await runCli(['import', join(folder, 'faq.csv'), '--preview']);
  expect(code).toBe(0);
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    'texts and questions: 1 file',
    'faq.csv: csv; pairs; text=answer,query=question',
    '  What is thing number 0? | The thing with the number 0 is a stone of kind0',
  ]);
  expect(readdirSync(folder)).toEqual(['faq.csv']);
});

it('writes nothing where a file is broken at its end', async () => {
  const folder = temporaryFolder({ 'faq.csv': `${csv}\nx,y,z\n` });
  const out = join(folder, 'corpus');
  expectBadInput(
    await runCli(['import', join(folder, 'faq.csv'), '--out', out]),
    /faq\.csv:14: has 3 columns, but the first row has 2\. Fix the row/,
  );
  expect(readdirSync(folder)).toEqual(['faq.csv']);
});

it('replaces its own folder and no other', async () => {
  const folder = temporaryFolder({ 'a.txt': 'one' });
  const out = join(folder, 'corpus');
  const run = (...more: string[]) => runCli(['import', join(folder, 'a.txt'), '--out', out, ...more]);
  expect((await run()).code).toBe(0);
  writeFileSync(join(folder, 'a.txt'), 'two');
  expect((await run()).code).toBe(0);
  expect(readFileSync(join(out, 'corpus.jsonl'), 'utf8')).toContain('two');
  writeFileSync(join(out, 'mine.txt'), 'x');
  expectBadInput(
    await run(),
    /the folder contains files that the studio did not write \(mine\.txt\)\. .*--force/,
  );
  expect(existsSync(join(out, 'mine.txt'))).toBe(true);
});

it.each([
  [['--columns', 'txt=a'], /--columns has "txt=a"\. Use USE=COLUMN .*did you mean text\?/],
  [['--split', 'pages'], /the split is "pages"\. Use none, words:180:30 or headings:180:30/],
  [['--delimiter', 'ab'], /--delimiter is "ab"\. Use one character, or tab/],
  [['--test-share', '2'], /--test-share is "2"\. Use a number from 0 to 1/],
])('refuses %j', async (options, message) => {
  const folder = temporaryFolder({ 'a.csv': 'a,b\n1,2\n' });
  const run = await runCli(['import', join(folder, 'a.csv'), '--out', join(folder, 'out'), ...options]);
  expectBadInput(run, message);
});

it('refuses to begin without an output folder, and with an input that is missing', async () => {
  const folder = temporaryFolder();
  expectBadInput(
    await runCli(['import', folder]),
    /no output folder was chosen\. Pass --out DIR, or --preview/,
  );
  expectBadInput(
    await runCli(['import', join(folder, 'no.csv'), '--preview']),
    /no\.csv: does not exist\. Fix the path/,
  );
});
