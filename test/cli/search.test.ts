import { zipSync } from 'fflate';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { realData } from '../support/data.ts';
import { itUnless } from '../support/skip.ts';

const tinyBert = fileURLToPath(new URL('../golden/encoders/tiny-bert', import.meta.url));

/** Runs `search` over the small collection in a folder of its own. */
async function search(args: readonly string[]) {
  const corpus = writeCollection(aerodynamics);
  const folder = temporaryFolder();
  const run = join(folder, 'out.run');
  const result = await runCli(['search', '--corpus', corpus, '--out', run, ...args]);
  const lines = existsSync(run) ? readFileSync(run, 'utf8').trimEnd().split('\n') : [];
  return { result, corpus, folder, run, lines };
}

function documentsOf(lines: readonly string[], query: string): string[] {
  return lines
    .map((line) => line.split(' '))
    .flatMap((fields) => (fields[0] === query ? [fields[2] ?? ''] : []));
}

describe('search --bm25', () => {
  it('writes a TREC run and prints what `eval` says of it', async () => {
    const { result, corpus, run, lines, folder } = await search(['--bm25']);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toBe('');
    expect(documentsOf(lines, 'q2')).toEqual(['heat', 'panel']);
    // Equal but for case: the tie goes by id, descending.
    expect(documentsOf(lines, 'q1').slice(0, 2)).toEqual(['wing', 'copy']);
    expect(lines[0]).toMatch(/^q1 Q0 wing 1 \d+\.\d+ bm25$/);
    const evaluated = await runCli([
      ...['eval', '--qrels', join(corpus, 'qrels/test.tsv'), '--run', run, '--complete'],
      ...['--metrics', 'ndcg_cut_10,recall_100'],
    ]);
    expect(result.stdout).toBe(`${run}: 3 queries, 5 documents\n${evaluated.stdout}`);
    expect(readdirSync(folder)).toEqual(['out.run']);
  });

  it('warns of a corpus that has keys twice, and of a k1 that makes all documents alike', async () => {
    const corpus = writeCollection(aerodynamics);
    for (const [name, twice] of [
      ['corpus.jsonl', '"title": "a", "title": "b"'],
      ['queries.jsonl', '"text": "x"'],
    ] as const) {
      const file = join(corpus, name);
      writeFileSync(file, readFileSync(file, 'utf8').replace('{', `{${twice}, `));
    }
    const run = join(temporaryFolder(), 'out.run');
    const result = await runCli([...['search', '--bm25', '--k1', '1e308', '--corpus', corpus, '--out', run]]);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toMatch(
      /^warning: JSON lines with a duplicate key, such as "text" in .*queries\.jsonl:1 .*: 2\nwarning: BM25's k1 is 1e\+308; .*\n$/,
    );
  });

  it('prints one object with --json', async () => {
    const { result, run } = await search(['--bm25', '--json']);
    expect(onlyJson(result)).toMatchObject({
      run,
      documents: 5,
      queries: 3,
      metrics: { ndcg_cut_10: expect.any(Number) as number, recall_100: 1 },
      seconds: expect.any(Number) as number,
    });
  });

  it('keeps ids with white space and # in a tab-separated run, and refuses them in a TREC run', async () => {
    const corpus = writeCollection({
      documents: {
        ' a b#': ['', 'the flow over a swept wing'],
        '#2': ['', 'heat conduction in slabs'],
        'c ': ['', 'flutter of heated panels'],
      },
      queries: { ' q 1': 'swept wing', '#q2': 'heat conduction', q3: 'panels' },
      judgments: {
        test: [
          [' q 1', ' a b#', 1],
          ['#q2', '#2', 1],
          ['q3', 'c ', 1],
        ],
      },
    });
    const qrels = join(corpus, 'qrels/test.tsv');
    const folder = temporaryFolder();
    const [run, trec] = [join(folder, 'out.tsv'), join(folder, 'out.run')];
    const found = await runCli(['search', '--bm25', '--corpus', corpus, '--out', run, '--json']);
    expect(onlyJson(found)).toMatchObject({ metrics: { ndcg_cut_10: 1 } });
    const evaluated = await runCli(['eval', '--qrels', qrels, '--run', run, '--json']);
    expect(evaluated.stderr).toBe('');
    expect(onlyJson(evaluated)).toMatchObject({ queries: 3, metrics: { ndcg_cut_10: 1 } });
    writeFileSync(join(folder, 'same.tsv'), readFileSync(run));
    const compared = await runCli(['compare', run, join(folder, 'same.tsv'), '--qrels', qrels, '--json']);
    expect(onlyJson(compared)).toMatchObject({ queries: 3, runs: [{ metrics: { ndcg_cut_10: 1 } }, {}] });
    expectBadInput(
      await runCli(['search', '--bm25', '--corpus', corpus, '--out', trec]),
      / contains white space.*\.tsv/,
    );
    expect(existsSync(trec)).toBe(false);
  });

  it('honors --split, --k, --no-titles, --analyzer and --drop-identical', async () => {
    const train = await search(['--bm25', '--split', 'train', '--k', '1']);
    expect(train.lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'q3 Q0 wing',
      'q4 Q0 heat',
    ]);
    // Words alone: the "wing" of that passage is not the "wings" of the query.
    const plain = await search(['--bm25', '--no-titles', '--analyzer', 'plain']);
    expect(documentsOf(plain.lines, 'q1')).not.toContain('slip');
    expect(documentsOf((await search(['--bm25'])).lines, 'slip')[0]).toBe('slip');
    const dropped = documentsOf((await search(['--bm25', '--drop-identical', '--k', '2'])).lines, 'slip');
    expect(dropped).toHaveLength(2);
    expect(dropped).not.toContain('slip');
  });

  it('reads a zip', async () => {
    const corpus = writeCollection(aerodynamics);
    const files = ['corpus.jsonl', 'queries.jsonl', 'qrels/test.tsv'];
    const zip = join(temporaryFolder(), 'small.zip');
    writeFileSync(
      zip,
      zipSync(Object.fromEntries(files.map((file) => [`small/${file}`, readFileSync(join(corpus, file))]))),
    );
    const fromFolder = await search(['--bm25']);
    const run = join(temporaryFolder(), 'zip.run');
    expect((await runCli(['search', '--bm25', '--corpus', zip, '--out', run])).code).toBe(0);
    expect(readFileSync(run, 'utf8').trimEnd().split('\n')).toEqual(fromFolder.lines);
  });

  it('refuses bad input and leaves the file that is there', async () => {
    const corpus = writeCollection(aerodynamics);
    const folder = temporaryFolder({ 'out.run': 'mine\n' });
    const out = join(folder, 'out.run');
    const attempt = (...args: string[]) => runCli(['search', '--out', out, ...args]);
    expectBadInput(await attempt('--corpus', corpus), /no retriever was chosen.*--bm25/);
    expectBadInput(await attempt('--corpus', corpus, '--bm25', '--model', tinyBert), /cannot be combined/);
    expectBadInput(
      await attempt('--corpus', corpus, '--bm25', '--split', 'dev'),
      /"dev".*splits: test, train/,
    );
    expectBadInput(await attempt('--corpus', join(corpus, 'no'), '--bm25'), /does not exist/);
    expectBadInput(await attempt('--corpus', corpus, '--bm25', '--b', '2'), /--b is "2".*from 0 to 1/);
    expectBadInput(await runCli(['search', '--corpus', corpus, '--bm25', '--out', folder]), /EISDIR/);
    writeFileSync(join(corpus, 'corpus.jsonl'), '{"_id": "a", "text": "x"}\n{"_id": "b", "te');
    expectBadInput(await attempt('--corpus', corpus, '--bm25'), /corpus\.jsonl:2: /);
    writeFileSync(join(corpus, 'corpus.jsonl'), '');
    expectBadInput(await attempt('--corpus', corpus, '--bm25'), /no documents/);
    expect(readFileSync(out, 'utf8')).toBe('mine\n');
    expect(readdirSync(folder)).toEqual(['out.run']);
  });

  it('refuses a split without judged queries', async () => {
    const corpus = writeCollection(aerodynamics);
    const folder = temporaryFolder();
    const attempt = () => runCli(['search', '--corpus', corpus, '--bm25', '--out', join(folder, 'out.run')]);
    writeFileSync(join(corpus, 'qrels/test.tsv'), 'query-id\tcorpus-id\tscore\n');
    expectBadInput(await attempt(), /qrels\/test\.tsv: contains no judgments\. Choose a split/);
    writeFileSync(join(corpus, 'qrels/test.tsv'), 'other\twing\t1\n');
    expectBadInput(await attempt(), /test\.tsv: none of its 1 queries is in queries\.jsonl\..*"other".*"q1"/);
    writeFileSync(join(corpus, 'queries.jsonl'), '');
    expectBadInput(await attempt(), /the queries\.jsonl of the same corpus contains no queries/);
    expect(readdirSync(folder)).toEqual([]);
  });

  const scifact = realData('datasets/scifact');
  itUnless(scifact.missing, 'gives the published figures on scifact', async () => {
    const run = join(temporaryFolder(), 'scifact.run');
    const result = await runCli(['search', '--bm25', '--corpus', scifact.path, '--out', run, '--json']);
    const { metrics } = onlyJson(result) as { metrics: Record<string, number> };
    expect(metrics.ndcg_cut_10).toBeCloseTo(0.678, 3);
    expect(metrics.recall_100).toBeCloseTo(0.9253, 3);
  });
});

describe('search --model', () => {
  it('ranks every document by the cosine of its vector, the same with any number of threads', async () => {
    const one = await search(['--model', tinyBert, '--threads', '1']);
    expect(one.result.code, one.result.stderr).toBe(0);
    expect(one.lines).toHaveLength(3 * 5);
    // The query is the text of that passage, word for word.
    const [first] = one.lines.filter((line) => line.startsWith('slip '));
    const [, , document, rank, score, tag] = first?.split(' ') ?? [];
    expect([document, rank, tag]).toEqual(['slip', '1', 'tiny-bert']);
    expect(Number(score)).toBeCloseTo(1, 5);
    expect((await search(['--model', tinyBert, '--threads', '2'])).lines).toEqual(one.lines);
  });

  it('names the model that is not there', async () => {
    const { result } = await search(['--model', join(tinyBert, 'no')]);
    expectBadInput(result, /there is no such folder/);
  });
});
