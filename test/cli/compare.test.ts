import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';

const queries = Array.from({ length: 20 }, (_, i) => `q${i}`);
const line = (query: string, documents: readonly string[]) =>
  documents.map((document, i) => `${query} Q0 ${document} ${i + 1} ${-i} t\n`).join('');
const files = {
  qrels: queries.map((query) => `${query} 0 yes 1\n`).join(''),
  'bm25.run': queries.map((query) => line(query, ['no', 'yes'])).join(''),
  'dense.run': queries.map((query, i) => line(query, i % 5 === 0 ? ['no'] : ['yes', 'no'])).join(''),
  '=1+1_x.run': queries
    .slice(1)
    .map((query) => line(query, ['no', 'yes']))
    .join(''),
};

const compare = async (args: string) => {
  const cwd = temporaryFolder(files);
  return { cwd, ...(await runCli(['compare', ...args.split(' ')], { cwd })) };
};

interface Comparison {
  readonly baseline: string;
  readonly comparisons: readonly {
    readonly run: string;
    readonly wins: number;
    readonly losses: number;
    readonly tTestHolmP: number;
  }[];
}

describe('compare', () => {
  it('prints means, tests and conclusions', async () => {
    const { code, stdout } = await compare('bm25.run dense.run --qrels qrels --metrics mrr');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^20 judged queries\n/);
    expect(stdout).toMatch(/\nbm25 +0\.5000\ndense +0\.8000\n/);
    expect(stdout).toMatch(/16\/0\/4/);
    expect(stdout).toMatch(
      /\nMRR: dense is better than bm25, \+0\.3000 \(.*corrected p 0\.\d{4}; .* of 20 queries\)\.\n$/,
    );
  });

  it('takes the baseline by name, counts missing queries 0 and repeats to the bit', async () => {
    const args = 'bm25.run dense.run =1+1_x.run --qrels qrels --baseline dense --json --seed 7';
    const [first, second] = [await compare(args), await compare(args)];
    const result = onlyJson(first) as Comparison;
    expect(second.stdout).toBe(first.stdout);
    expect(result.baseline).toBe('dense');
    expect(result.comparisons[0]).toMatchObject({ run: 'bm25', wins: 4, losses: 16 });
    expect(first.stderr).toContain('=1+1_x lacks 1 of the 20 judged queries, which score 0');
  });

  it('compares over the queries that share no relevant document with the train split', async () => {
    const cwd = temporaryFolder({
      qrels: queries.map((query, i) => `${query} 0 d${i} 1\n`).join(''),
      train: [0, 1, 2, 3, 4].map((i) => `t${i} 0 d${i} 1\n`).join(''),
      // Right on the shared documents alone.
      'first.run': queries.map((query, i) => line(query, i < 5 ? [`d${i}`] : ['no', `d${i}`])).join(''),
      'second.run': queries.map((query, i) => line(query, ['no', `d${i}`])).join(''),
    });
    const args = 'first.run second.run --qrels qrels --metrics mrr --json'.split(' ');
    const all = onlyJson(await runCli(['compare', ...args], { cwd })) as { queries: number };
    const disjoint = await runCli(['compare', ...args, '--disjoint-from', 'train'], { cwd });
    const { queries: count, comparisons } = onlyJson(disjoint) as Comparison & { queries: number };
    expect([all.queries, count]).toEqual([20, 15]);
    expect(disjoint.stderr).toContain('15 of 20 judged queries share no relevant document with train');
    expect(comparisons[0]).toMatchObject({ wins: 0, losses: 0 });
    const none = await runCli(['compare', ...args.slice(0, -1), '--disjoint-from', 'qrels'], { cwd });
    expect(none).toMatchObject({ code: 2, stdout: '' });
  });

  it('writes CSV that no spreadsheet runs, and escaped LaTeX', async () => {
    const { cwd, code } = await compare(
      'bm25.run =1+1_x.run dense.run --qrels qrels --csv out.csv --latex out.tex',
    );
    expect(code).toBe(0);
    const csv = readFileSync(join(cwd, 'out.csv'), 'utf8').split('\r\n');
    expect(csv[0]).toMatch(/^run,baseline,metric,queries,/);
    expect(csv[1]).toMatch(/^"'=1\+1_x",bm25,ndcg_cut_10,20,/);
    const latex = readFileSync(join(cwd, 'out.tex'), 'utf8');
    expect(latex).toContain('=1+1\\_x & ');
    expect(latex).toContain('ndcg\\_cut\\_10');
  });

  it.each([
    ['bm25.run --qrels qrels', /there is only one run\. Pass two or more/],
    ['bm25.run bm25.run --qrels qrels', /bm25\.run: is passed twice\. /],
    [
      'bm25.run dense.run --qrels qrels --baseline e5',
      /the baseline "e5" is not among the runs\. Choose from bm25, dense/,
    ],
    ['bm25.run dense.run --qrels qrels --metrics num_ret', /num_ret is a count/],
    ['bm25.run dense.run --qrels qrels --alpha 2', /--alpha is "2"\. Use a number from 1e-6 to 0\.5/],
    ['bm25.run dense.run --qrels qrels --samples 1e4', /--samples is "1e4"\. Use a whole number/],
    [
      'bm25.run dense.run --qrels qrels --csv qrels/out.csv',
      /qrels\/out\.csv: a file cannot be written here/,
    ],
    ['bm25.run dense.run --qrels qrels --latex .', /a file cannot be written here/],
    ['--qrels qrels', /missing required argument 'runs'/],
  ])('refuses %s', async (args, message) => {
    expectBadInput(await compare(args), message);
  });
});
