import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { realData } from '../support/data.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { itUnless } from '../support/skip.ts';

const files = {
  'qrels.tsv': 'query-id\tcorpus-id\tscore\n1\ta\t1\n1\tb\t0\n2\tc\t2\n3\td\t1\n',
  'qrels.trec': '1 0 a 1\n1 0 b 0\n2 0 c 2\n3 0 d 1\n',
  'bm25.run': '1 Q0 b 1 2 bm25\n1 Q0 a 2 1 bm25\n2 Q0 c 1 3 bm25\n9 Q0 c 1 3 bm25\n',
};

const evaluate = (args: string, given: Readonly<Record<string, string>> = files) =>
  runCli(['eval', ...args.split(' ')], { cwd: temporaryFolder(given) });

describe('eval', () => {
  it("prints trec_eval's lines and says what it leaves out", async () => {
    const { code, stdout, stderr } = await evaluate(
      '--qrels qrels.tsv --run bm25.run --metrics recip_rank,num_ret --per-query',
    );
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'recip_rank            \t1\t0.5000',
        'num_ret               \t1\t2',
        'recip_rank            \t2\t1.0000',
        'num_ret               \t2\t1',
        'recip_rank            \tall\t0.7500',
        'num_ret               \tall\t3',
        '',
      ].join('\n'),
    );
    expect(stderr).toBe(
      "warning: 1 of the run's 3 queries have no judgments and are ignored\n" +
        'warning: the run lacks 1 of the 3 judged queries: ignored (--complete scores them 0)\n',
    );
  });

  it('prints one unrounded object with --json, the same for both forms of judgments', async () => {
    const expected = {
      queries: 3,
      metrics: { ndcg_cut_10: (1 / Math.log2(3) + 1) / 3, recall_100: 2 / 3 },
      perQuery: {
        1: { ndcg_cut_10: 1 / Math.log2(3), recall_100: 1 },
        2: { ndcg_cut_10: 1, recall_100: 1 },
        3: { ndcg_cut_10: 0, recall_100: 0 },
      },
    };
    for (const qrels of ['qrels.tsv', 'qrels.trec']) {
      const result = await evaluate(
        `--qrels ${qrels} --run bm25.run --metrics ndcg_cut_10,recall_100 --complete --json`,
      );
      expect(onlyJson(result)).toEqual(expected);
    }
  });

  it('honors --level and --max-rank', async () => {
    const result = await evaluate(
      '--qrels qrels.tsv --run bm25.run --metrics map --level 2 --max-rank 1 --json',
    );
    expect(onlyJson(result)).toMatchObject({ metrics: { map: 0.5 } });
    expect(result.stderr).toContain('2 judged queries have no document of grade 2 or more and score 0');
  });

  it.each([
    ['--run bm25.run', /required option '--qrels <file>' not specified\. Run "retriever-studio eval --help"/],
    ['--qrels none --run bm25.run', /none: does not exist\. /],
    ['--qrels . --run bm25.run', /is not a file\. /],
    [
      '--qrels qrels.tsv --run bm25.run --metrics ndgc_cut_10',
      /no measure "ndgc_cut_10"\. Did you mean ndcg_cut_K\?/,
    ],
    [
      '--qrels qrels.tsv --run bm25.run --level two',
      /^error: --level is "two"\. Use a whole number from 1 to 1000000\.$/,
    ],
    ['--qrels qrels.tsv --run bm25.run --max-rank -1', /^error: --max-rank is "-1"/],
    ['--qrels qrels.tsv --run bm25.run --max-rank NaN', /^error: --max-rank is "NaN"/],
    [
      '--qrels qrels.tsv --run bm25.run --metrcs map',
      /unknown option '--metrcs' \(Did you mean --metrics\?\)/,
    ],
    ['--qrels qrels.tsv --run bm25.run more', /too many arguments/],
    [
      '--qrels qrels.tsv --run bad.run',
      /bad\.run:2: the score "high" is not a number\. Use a decimal number\.$/,
    ],
    ['--qrels qrels.tsv --run twice.run', /twice\.run:2: document a is listed twice for query 1\. /],
    ['--qrels qrels.tsv --run other.run', /other\.run: none of its 1 queries is judged in qrels\.tsv\. /],
    ['--qrels qrels.tsv --run empty.run', /empty\.run: contains no results\. /],
    ['--qrels empty.run --run bm25.run', /empty\.run: contains no judgments\. /],
    ['--qrels half.tsv --run bm25.run', /half\.tsv:2: has 2 columns\. /],
    ['--qrels qrels.tsv --run binary.run', /binary\.run:1: is not valid UTF-8\. /],
  ])('refuses %s', async (args, message) => {
    const result = await evaluate(`${args} --json`, {
      ...files,
      'bad.run': '1 Q0 a 1 2 t\n1 Q0 b 2 high t\n',
      'twice.run': '1 Q0 a 1 2 t\n1 Q0 a 2 1 t\n',
      'other.run': 'other Q0 a 1 2 t\n',
      'empty.run': '\n',
      'half.tsv': '1\ta\t1\n1\tb\n',
      'binary.run': Buffer.from([0x31, 0x20, 0xff, 0xfe, 0x0a]) as unknown as string,
    });
    expectBadInput(result, message);
  });

  const { path: folder, missing } = realData('reference/trec_eval');
  itUnless(missing, "prints trec_eval's whole output", async () => {
    const { stdout } = await runCli([
      'eval',
      '--qrels',
      `${folder}/qrels.test`,
      '--run',
      `${folder}/results.test`,
      '--per-query',
    ]);
    const ours = new Set(stdout.trimEnd().split('\n'));
    const names = new Set([...ours].map((line) => line.split('\t')[0]));
    // trec_eval pads counts and text differently from run to run of its own history: compare the columns.
    const theirs = readFileSync(`${folder}/out.test.aq`, 'utf8').trimEnd().split('\n');
    const shared = theirs.filter((line) => names.has(line.split('\t')[0]));
    expect(shared.length).toBe(ours.size);
    expect(shared.filter((line) => !ours.has(line))).toEqual([]);
  });
});
