import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/pipeline/plan.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { startCli } from '../support/processes.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';

/** A folder with a recipe of one arm and seed. */
function recipeFolder(changes: Readonly<Record<string, unknown>> = {}): string {
  const document = smallRecipe(recipeCorpus(), {
    seeds: [1],
    arms: [{ name: 'contrastive', source: 'mined', loss: 'infonce' }],
    evaluation: { samples: 1000, depth: 20 },
    ...changes,
  });
  return temporaryFolder({ 'recipe.json': JSON.stringify(document) });
}

const run = (cwd: string, ...args: string[]) =>
  runCli(['run', 'recipe.json', '--threads', '1', ...args], { cwd });

describe('run', () => {
  it('shortens trainings to a budget', async () => {
    const folder = recipeFolder();
    const stepsOf = async (...args: string[]): Promise<number | undefined> => {
      const { plan } = onlyJson(await run(folder, '--plan', '--json', ...args)) as { plan: Plan };
      return plan.stages.find(({ kind }) => kind === 'training')?.steps?.count;
    };
    expect(await stepsOf('--budget', '2steps')).toBe(2);
    expect(await stepsOf('--budget', 'full')).toBe(await stepsOf());
    expectBadInput(await run(folder, '--budget', 'soon'), /--budget is "soon"\. Use a time such as 90s/);
  });

  it('plans, runs, prints one table, and writes the report and the models', async () => {
    const folder = recipeFolder();
    const planned = await run(folder, '--plan', '--json');
    const { plan } = onlyJson(planned) as { plan: Plan };
    expect(plan.stages.map(({ label }) => label)).toContain('training of contrastive, seed 1');
    expect(plan.seconds).toBeGreaterThan(0);
    expect(plan.trainingsAtOnce).toBe(1);

    const first = await run(folder, '--out', 'out');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^system +loss +nDCG@10 +Recall@10$/m);
    expect(first.stdout).toMatch(/^contrastive +infonce +0\.\d{4} +0\.\d{4}$/m);
    expect(first.stdout).toContain('report: out/report.md, report.json and plot.svg');
    expect(first.stderr).toMatch(/^\d+ stages to compute: about \d+ s/m);
    expect(first.stderr).toMatch(/^disk space: about \d+ MiB for the results, up to \d+ MiB while running$/m);
    expect(first.stderr).toMatch(
      /^training of contrastive, seed 1: [\d.]+ s, dev ndcg_cut_10 0\.\d+.*; total: .+ left$/m,
    );
    expect(existsSync(join(folder, '.retriever-studio/store.json'))).toBe(true);
    expect(readFileSync(join(folder, 'out/report.md'), 'utf8')).toContain('## Results');
    const report = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8')) as RecipeReport;
    expect(report.results.all.systems.map(({ name }) => name)).toEqual(['bm25', 'untrained', 'contrastive']);

    // The model that was written finds what the report says, and its card says what it was trained with.
    const model = join(folder, 'out/models/contrastive');
    const card = readFileSync(join(model, 'README.md'), 'utf8');
    expect(card).toMatch(/^\| batch size +\| 4 +\|$/m);
    expect(card).toMatch(/^\| learning rate +\| 0\.002 +\|$/m);
    expect(card).toMatch(/^\| maximum steps +\| 6 +\|$/m);
    const searched = await runCli([
      ...['search', '--corpus', report.recipe.corpus.folder!, '--model', model, '--k', '20', '--json'],
      ...['--out', join(folder, 'run.trec'), '--threads', '1'],
      ...['--max-query-length', '16', '--max-passage-length', '24'],
    ]);
    const { metrics } = onlyJson(searched) as { metrics: Record<string, number> };
    expect(metrics.ndcg_cut_10).toBeCloseTo(report.results.all.systems[2]!.metrics.ndcg_cut_10!.mean, 9);

    // Again: nothing is computed, and --json prints the same as one object.
    const again = await run(folder, '--out', 'out', '--json');
    expect(again.stderr).toMatch(/all \d+ stages are cached/);
    expect((onlyJson(again) as RecipeReport).results).toEqual(report.results);
  });

  it('takes seeds and other values over those of the recipe', async () => {
    const folder = recipeFolder();
    const planned = onlyJson(
      await run(folder, '--plan', '--json', '--seeds', '3', '--set', 'arms[0].name=other'),
    ) as { plan: Plan };
    const labels = planned.plan.stages
      .map(({ label }) => label)
      .filter((label) => label.startsWith('training'));
    expect(labels).toEqual([1, 2, 3].map((seed) => `training of other, seed ${seed}`));
    expect(planned.plan.trainingsAtOnce).toBe(Math.min(3, availableParallelism()));
    expectBadInput(await run(folder, '--seeds', '2', '--seed', '1'), /--seed and --seeds cannot be combined/);
    expectBadInput(await run(folder, '--set', 'arms=3'), /^error: recipe\.json: arms: is 3, not a list/);
  });

  it('refuses what does not fit, in one line and before any work', async () => {
    const folder = recipeFolder({ sedes: [1] });
    expectBadInput(
      await run(folder),
      /^error: recipe\.json: sedes: unknown setting \(did you mean "seeds"\?\)\. /,
    );
    expect(existsSync(join(folder, '.retriever-studio'))).toBe(false);
    expectBadInput(await runCli(['run', 'no-such-recipe']), /^error: there is no recipe "no-such-recipe"/);
    expectBadInput(await runCli(['run', 'no-such.json']), /no-such\.json: does not exist/);
    writeFileSync(join(folder, 'recipe.json'), '{"version": 1');
    expectBadInput(await run(folder), /^error: recipe\.json: is not valid JSON: /);
  });

  it('ends after a step when interrupted, and goes on with the same command', async () => {
    const folder = recipeFolder({
      training: { batches: { batchSize: 4 }, epochs: 150, evaluateEvery: 50, tokensPerMicroBatch: 64 },
    });
    const recipe = join(folder, 'recipe.json');
    const command = [
      'run',
      recipe,
      '--threads',
      '1',
      '--store',
      join(folder, 'store'),
      '--checkpoint-seconds',
      '0.2',
    ];
    const job = startCli(command, { cwd: folder });
    await job.untilOutput(/stages to compute/);
    await job.untilOutput(/lists of mined/);
    await new Promise((resolve) => setTimeout(resolve, 800));
    job.signal('SIGINT');
    expect(await job.ended).toEqual({ code: 130, signal: null });
    expect(job.stdout()).toContain('re-run the same command to resume');
    const again = await runCli([...command, '--set', 'evaluation.depth=20']);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toMatch(/resuming after step \d+: bit-exact/);
  });
});
