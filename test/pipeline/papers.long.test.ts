import { describe, expect, it } from 'vitest';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import { tinyModel } from '../support/model-folder.ts';
import { paperRecipes, small } from '../support/paper-recipes.ts';

const open = paperRecipes();

describe.each(['paper-a', 'paper-b', 'paper-c'])('%s', (name) => {
  it('runs from recorded generations to a table, with nothing but what comes with the studio', async () => {
    const job = await open(name, ...small, 'training.maxSteps=1');
    const { results, arms, recipe } = await job.run();
    expect(results.all.queries).toBe(250);
    expect(results.all.systems.map((system) => system.name)).toEqual([
      ...recipe.evaluation.baselines,
      ...recipe.arms.map((arm) => arm.name),
    ]);
    expect(results.all.comparisons).toHaveLength(2 * recipe.evaluation.pairs.length);
    for (const arm of arms) {
      expect(arm.trainings[0]?.steps, arm.name).toBe(1);
      expect(arm.lists, arm.name).toBeGreaterThanOrEqual(16);
    }
    // Nothing that stands in them was held out.
    expect(arms.every(({ listsReport }) => (listsReport.guard.testQueries ?? 0) === 0)).toBe(true);
    expect(arms.some(({ listsReport }) => listsReport.recorded)).toBe(true);
  });
});

function rowsOf({ tables }: RecipeReport, title: string): readonly (readonly string[])[] {
  return tables.find((table) => table.title === title)?.rows ?? [];
}

describe("paper A's open questions", () => {
  const run = async (name: string, ...overrides: string[]): Promise<RecipeReport> => {
    const job = await open(name, ...small, 'training.maxSteps=2', 'seeds=[1]', ...overrides);
    const report = await job.run();
    expect(report.results.all.systems).toHaveLength(
      report.recipe.evaluation.baselines.length + report.recipe.arms.length,
    );
    return report;
  };
  const guide = `evidence.guide=${JSON.stringify({ from: 'encoder', model: tinyModel('tiny-bert') })}`;

  it('filters: says what each found of the positives that were planted', async () => {
    const report = await run('paper-a-filters', guide);
    const [header, ...rows] = rowsOf(report, 'Planted positives found by the rules');
    expect(header).toContain('precision');
    expect(rows.map(([, rules]) => rules)).toEqual(
      Object.values(report.recipe.filters).map((rules) => rules.join(', ')),
    );
    const qualities = report.arms.flatMap(({ filtered }) => filtered?.planted ?? []);
    // What was planted is the same for all, and rules differ in what they find.
    expect(new Set(qualities.map(({ answers }) => answers)).size).toBe(1);
    expect(new Set(qualities.map(({ found }) => found)).size).toBeGreaterThan(3);
    const [clean, planted] = report.arms;
    expect([clean?.lists, clean?.passages]).toEqual([planted?.lists, planted?.passages]);
    expect(reportMarkdown(report)).toContain('## Planted positives found by the rules');
  });

  it('mixing: trains every schedule on as many rows', async () => {
    const { arms } = await run('paper-a-mixing');
    expect(new Set(arms.map(({ trainings }) => trainings[0]?.steps))).toEqual(new Set([2]));
    expect(new Set(arms.map(({ trainings }) => String(trainings[0]?.losses))).size).toBeGreaterThan(6);
  });

  it('generators: says what the texts of each look like', async () => {
    const report = await run(
      'paper-a-generators',
      'generators.second={"kind":"recorded"}',
      'sources.second.recorded={"corpusFile":"recorded-graded.jsonl"}',
    );
    const [header, ...rows] = rowsOf(report, 'Source diagnostics');
    expect(header?.[0]).toBe('source');
    expect(rows.map(([source]) => source)).toEqual(['bm25', 'written', 'second']);
    const auc = header?.indexOf('probe AUC') ?? 0;
    for (const row of rows) expect(Number(row[auc])).toBeGreaterThan(0.5);
    expect(reportMarkdown(report)).toContain('## Source diagnostics');
    // The teacher's file has scores of what was mined and of what the first model wrote.
    const relevant = header?.indexOf('false-negative rate') ?? 0;
    expect(rows.map((row) => /^0\.\d{3}$/.test(row[relevant] ?? ''))).toEqual([true, true, true]);
    expect(reportMarkdown(report)).toContain('## Teacher scores');
  });
});

describe.each(['static-losses', 'nano-losses'])('%s', (name) => {
  it("runs from extracted queries and the teacher's vectors, which know all of its texts", async () => {
    const job = await open(name, ...small, 'training.maxSteps=1', 'training.batches.batchSize=8');
    const { results, arms, recipe } = await job.run();
    expect(results.all.queries).toBe(250);
    expect(arms.map((arm) => arm.name)).toEqual(recipe.arms.map((arm) => arm.name));
    for (const arm of arms) {
      expect(arm.trainings[0]?.steps, arm.name).toBe(1);
      expect(arm.lists, arm.name).toBeGreaterThan(6000);
      expect(arm.listsReport.guard.testQueries ?? 0).toBe(0);
    }
  });
});
