import { describe, expect, it } from 'vitest';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import type { LengthsReport } from '../../src/pipeline/stages/lengths.ts';
import { keepRepeats, testDevice } from '../../src/training/repeat-test.ts';
import type { RecipeRun } from '../support/recipe-job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { makeLists } from '../support/training-lists.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();

async function run(changes: Readonly<Record<string, unknown>>): Promise<RecipeRun> {
  await place.emptyStore();
  return place.run(smallRecipe(place.corpus, changes));
}

describe('the report', () => {
  it('says whether the device repeats a training step, where that was tested', async () => {
    const { report: untested } = await run({});
    expect(untested).not.toHaveProperty('repeats');
    expect(reportMarkdown(untested)).not.toContain('to the bit');
    await keepRepeats(place.store, place.runtime, await testDevice(place.runtime));
    const { report } = await place.run(smallRecipe(place.corpus));
    expect(report.repeats).toBe(true);
    expect(reportMarkdown(report)).toContain('The device repeats a training step to the bit.');
    expect(reportMarkdown({ ...report, repeats: false })).toContain('does not repeat a training step');
  });

  it('holds what was found, what it was found with, and what was left out', async () => {
    const { report, job } = await run({
      description: 'A | small <one>',
      encoder: { ...(smallRecipe('').encoder as object), passageMaxLength: 6 },
      filters: { strict: ['length>=2', 'relative-margin>=0.02'] },
      evaluation: { samples: 1000, depth: 20, show: { arm: 'listwise', queries: 2 } },
    });
    expect(report.recipe.evaluation.depth).toBe(20);
    expect(report.versions).toEqual({ studio: 'test' });
    expect(report.device).toBe('cpu');
    expect(report.fingerprint).toMatchObject({ ...place.runtime.fingerprint });
    expect(report.otherFingerprints).toEqual([]);
    expect(report.corpus).toMatchObject({ passages: 80, trainQueries: 22, devQueries: 6, testQueries: 12 });
    expect(report.stages.length).toBeGreaterThan(15);
    expect(report.seconds.computed).toBeGreaterThan(0);

    // Cut passages are counted as the tokenizer cuts them.
    const { tokenizer } = job.graph.encoder.model;
    const texts = makeLists(40).flatMap(({ documents }) => documents.slice(0, 2).map(({ text }) => text));
    const { cutPassages } = report.findings.lengths as LengthsReport;
    expect(cutPassages).toBe(texts.filter((text) => tokenizer.encode(text, 512).length > 6).length);
    expect(cutPassages).toBeGreaterThan(0);

    expect(report.arms.map(({ name, loss }) => [name, loss])).toEqual([
      ['contrastive', 'infonce'],
      ['filtered', 'infonce(temperature=0.1)'],
      ['listwise', 'kl'],
    ]);
    for (const arm of report.arms) {
      expect(arm.trainings.map(({ seed, losses }) => [seed, losses.length])).toEqual([
        [1, 5],
        [2, 5],
      ]);
      for (const { dev, breaks } of arm.trainings) {
        expect(dev!.after).toBeGreaterThanOrEqual(dev!.before);
        expect(breaks).toEqual([]);
      }
    }
    const filtered = report.arms[1]!.filtered!;
    expect(filtered.filter!.rules.map(({ rule }) => rule)).toEqual(['length>=2', 'relative-margin>=0.02']);
    expect(report.exclusions).toContain(
      `passages truncated to 6 tokens: ${cutPassages} of 80; test queries truncated to 16 tokens: 0 of 12`,
    );
    const [rules] = report.tables;
    expect(rules?.title).toBe('Filter rules');
    expect(rules?.rows.map((row) => row.slice(0, 2))).toEqual([
      ['lists', 'rule'],
      ['lists of mined, strict', 'length>=2'],
      ['lists of mined, strict', 'relative-margin>=0.02'],
    ]);
    expect(reportMarkdown(report)).toContain('## Filter rules');

    // The query that gained the most, then the one that lost the most, with five passages each.
    expect(report.shown).toHaveLength(2);
    const [gained, lost] = report.shown.map(({ before, after }) => after.value - before.value);
    expect(gained).toBeGreaterThanOrEqual(lost!);
    for (const { before, after } of report.shown) {
      expect(before.passages).toHaveLength(5);
      expect(after.passages).toHaveLength(5);
    }
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('is written in Markdown that no text of others can break', async () => {
    const { report } = await run({ description: '', seeds: [1] });
    // A recipe and a corpus are other people's text.
    const nasty = 'a | b <script>alert(1)</script> [l](javascript:x) `x`\n\n# heading\n- item \u202e\x1b[2J';
    const spoil = <T extends { readonly passages: readonly object[] }>(side: T): T => ({
      ...side,
      passages: side.passages.map((passage) => ({ ...passage, id: nasty, text: nasty })),
    });
    const sneaky: RecipeReport = {
      ...report,
      recipe: {
        ...report.recipe,
        name: nasty,
        description: nasty,
        encoder: { ...report.recipe.encoder, model: nasty },
      },
      corpus: { ...report.corpus, name: nasty, warnings: [nasty] },
      notes: [...report.notes, nasty],
      arms: report.arms.map((arm) => ({ ...arm, name: nasty, source: nasty, filters: nasty, loss: nasty })),
      otherFingerprints: [nasty],
      shown: report.shown.map(({ before, after, ...shown }) => ({
        ...shown,
        ...{ id: nasty, query: nasty, arm: nasty, before: spoil(before), after: spoil(after) },
      })),
    };
    const broken = reportMarkdown(sneaky);
    expect(broken).toContain('&lt;script&gt;');
    expect(broken).not.toContain('<script>');
    expect(broken.split('## Recipe')[0]).not.toMatch(/(?<!\\)\]\(|(?<!\\)`|^# heading|^- item|[\u202e\x1b]/m);
    const text = reportMarkdown({ ...sneaky, recipe: report.recipe, arms: report.arms });
    for (const heading of [
      '# small',
      '## Results',
      '## Before and after',
      '## Trainings',
      '## Exclusions and truncation',
      '## Environment',
      '## Recipe',
    ]) {
      expect(text.split('\n')).toContain(heading);
    }
    expect(text).toContain('| system | loss | nDCG@10 | Recall@10 |');
    expect(text).toMatch(/\| bm25 \|\s+\| 0\.\d{4} \| 0\.\d{4} \|/);
    expect(text).toContain(
      'There is only one seed, so the intervals do not include variation between seeds.',
    );
    expect(text).not.toContain('<script>');
    expect(text).not.toMatch(/^# heading/m);
    // The recipe is in it as it would be run again.
    const recipe = /^````json\n(.*?)^````$/ms.exec(text)?.[1] ?? '';
    expect(JSON.parse(recipe)).toEqual(report.recipe);
    // Every table's rows have as many cells as its header.
    for (const table of text.matchAll(/(?:^\|.*\|$\n?)+/gm)) {
      const widths = table[0]
        .trim()
        .split('\n')
        .map((row) => row.replaceAll('\\|', '').split('|').length);
      expect(new Set(widths).size).toBe(1);
    }
  });
});
