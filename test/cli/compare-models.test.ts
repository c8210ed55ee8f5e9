import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelComparison } from '../../src/pipeline/compare-models.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';
import { recipeCorpus } from '../support/small-recipe.ts';
import { staticGolden } from '../support/static-folder.ts';

const bert = tinyModel('tiny-bert');
const table = join(staticGolden, 'model2vec');

function command(corpus: string, store: string, models: string, ...more: readonly string[]): string[] {
  return [
    ...['compare-models', '--corpus', corpus, '--models', models, '--store', store],
    ...['--threads', '1', '--samples', '1000', ...more],
  ];
}

describe('compare-models', () => {
  it('prints the figures that `search` and `eval` print of each retriever', async () => {
    const corpus = recipeCorpus();
    const folder = temporaryFolder();
    const args = command(corpus, join(folder, 'store'), `${bert},${table}`);
    const printed = await runCli(args);
    expect(printed.code, printed.stderr).toBe(0);
    const json = onlyJson(await runCli([...args, '--json'])) as ModelComparison;
    expect(json.rows).toHaveLength(5);
    for (const [system, retriever] of [
      ['bm25', ['--bm25']],
      [bert, ['--model', bert, '--threads', '1']],
      [table, ['--model', table, '--threads', '1']],
    ] as const) {
      const run = join(folder, 'out.run');
      const searched = await runCli(['search', '--corpus', corpus, '--out', run, ...retriever]);
      expect(searched.code, searched.stderr).toBe(0);
      const evaluation = ['eval', '--qrels', join(corpus, 'qrels/test.tsv'), '--run', run, '--complete'];
      const evaluated = onlyJson(
        await runCli([...evaluation, '--metrics', 'ndcg_cut_10,recall_100', '--json']),
      ) as { readonly metrics: Readonly<Record<string, number>> };
      const row = json.rows.find((each) => each.system === system);
      for (const [metric, value] of Object.entries(evaluated.metrics)) {
        expect(row?.metrics[metric]?.mean).toBe(value);
        const line = printed.stdout.split('\n').find((each) => each.startsWith(`${system}  `));
        expect(line).toContain(value.toFixed(4));
      }
    }
    expect(printed.stdout).toContain('\nStart from ');
    expect(printed.stdout).toContain('p (randomization, Holm)');
  });

  it('warns of a model that cannot be opened and compares the others; without any it fails', async () => {
    const corpus = recipeCorpus();
    const store = join(temporaryFolder(), 'store');
    const result = await runCli(command(corpus, store, `no-such-model,${table}`, '--json'));
    const { rows, failed } = onlyJson(result) as ModelComparison;
    expect(rows.map(({ system }) => system)).toEqual(['bm25', table, `${table} + bm25`]);
    expect(failed).toMatchObject([{ model: 'no-such-model' }]);
    expect(result.stderr).toMatch(
      /^warning: no-such-model is left out: there is no such folder\. Use a model folder/m,
    );
    const none = await runCli(command(corpus, store, 'no-such-model'));
    expect(none.code).toBe(2);
    expect(none.stderr.trimEnd().split('\n').at(-1)).toMatch(/^error: .*there is no such folder\. Use /);
  });

  it('names the remedy for a split without judgments, no models, and too few documents', async () => {
    const corpus = recipeCorpus();
    const store = join(temporaryFolder(), 'store');
    expectBadInput(await runCli(command(corpus, store, table, '--split', 'dev')), /qrels\/dev\.tsv/);
    expectBadInput(await runCli(command(corpus, store, ' , ')), /no model was chosen\. /);
    expectBadInput(await runCli(command(corpus, store, table, '--k', '10')), /--k is "10"/);
  });

  it('ends by Ctrl+C and resumes', async () => {
    const corpus = recipeCorpus();
    const store = join(temporaryFolder(), 'store');
    const args = command(corpus, store, `${bert},no-such-model`);
    const interrupted = startCli(args);
    // The first encoder is measured by then, and nothing is ranked.
    await interrupted.untilOutput('no-such-model is left out');
    interrupted.signal('SIGINT');
    expect((await interrupted.ended).code).toBe(130);
    expect(interrupted.stdout()).toContain('re-run the same command to resume');
    const resumed = await runCli(args);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stdout).toContain('Start from ');
  });
});
