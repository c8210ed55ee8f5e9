import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../support/model-folder.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();

describe('what rules read beside the teacher', () => {
  it('is read from files and scored by a guide, once, where rules ask for it', async () => {
    const answersOf = (answer: string): string =>
      Array.from({ length: 28 }, (_, i) => `q${i}\t${answer}\n`).join('');
    const recipe = (answers: string): Record<string, unknown> => {
      writeFileSync(join(place.corpus, 'answers.tsv'), answers);
      return smallRecipe(place.corpus, {
        seeds: [1],
        evidence: {
          guide: { from: 'encoder', model: tinyModel('tiny-bert') },
          answers: { corpusFile: 'answers.tsv' },
        },
        filters: { guided: ['guide-margin>=0'], answered: ['answers<=0'] },
        arms: ['guided', 'answered'].map((filters) => ({
          name: filters,
          source: 'mined',
          filters,
          loss: 'infonce',
        })),
        evaluation: { samples: 1000, depth: 20 },
      });
    };
    // No passage holds this one: nothing is dropped.
    const first = await place.run(recipe(answersOf('unheard of')));
    expect(first.computed.filter((label) => label.startsWith('guide scores'))).toHaveLength(1);
    expect(first.computed.some((label) => label.startsWith('teacher scores'))).toBe(false);
    const [guided, answered] = first.report.arms;
    expect(guided?.filtered?.filter?.rules[0]?.counts.skipped).toBe(0);
    expect(answered?.filtered?.filter?.rules[0]?.counts.dropped).toBe(0);
    // Other answers are another filter, and the guide's arm stays as it was.
    const other = await place.run(recipe(answersOf('unknown')));
    expect(other.computed.filter((label) => label.includes('guided'))).toEqual([]);
    expect(other.computed.some((label) => label.includes('answered'))).toBe(true);
  });
});
