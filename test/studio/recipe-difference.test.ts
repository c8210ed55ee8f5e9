import { describe, expect, it } from 'vitest';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { omit } from '../../src/pipeline/omit.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import { changesByPath, differenceInWords, recipeChanges } from '../../src/studio/recipe-difference.ts';
import {
  alsoSet,
  readSeeds,
  trainingsInWords,
  withArm,
  withCopyOfArm,
  withNewArm,
  withoutArm,
  withSetting,
  writingInWords,
} from '../../src/studio/recipe-form.ts';

const asObject = { name: 'kl', temperature: 0.05 } as unknown as RecipeInput['arms'][number]['loss'];

const original: RecipeInput = {
  version: 1,
  name: 'small',
  seeds: [1],
  corpus: { builtIn: 'demo', dev: { split: 'dev' } },
  encoder: { model: 'nano', queryMaxLength: 32 },
  generators: { writer: { kind: 'recorded' } },
  sources: {
    hard: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 4 },
    other: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 8 },
  },
  filters: { strict: ['share<=0.95', 'length>=3'] },
  training: { batches: { batchSize: 16 }, learningRate: 3e-4, maxSteps: 12 },
  arms: [
    { name: 'contrastive', source: 'hard', filters: 'strict', loss: 'infonce(temperature=0.05)' },
    { name: 'listwise', source: 'hard', loss: asObject },
    { name: 'combined', source: 'hard', loss: 'listnet + 0.1*infonce(scope=batch)' },
  ],
  evaluation: {
    hybrids: ['listwise'],
    pairs: [
      ['listwise', 'contrastive'],
      ['listwise + bm25', 'bm25'],
      ['combined', 'contrastive'],
    ],
    show: { arm: 'listwise' },
  },
};

function arm(index: number, given: Partial<RecipeInput['arms'][number]>): RecipeInput['arms'][number] {
  const found = original.arms[index];
  if (found === undefined) throw new Error(`there is no arm ${index}`);
  return { ...found, ...given };
}

function words(changed: RecipeInput, nameOf?: (folder: string) => string): string {
  return differenceInWords('small', recipeChanges(original, changed, nameOf), changed.arms.length);
}

describe('the line about what differs', () => {
  it('says that nothing does, however the same is written', () => {
    expect(words(structuredClone(original))).toBe('Same as small.');
    const spelled: RecipeInput = {
      ...original,
      $schema: 'somewhere',
      training: { maxSteps: 12, learningRate: 3e-4, epochs: 1, batches: { batchSize: 16, negatives: 'all' } },
      arms: [arm(0, { loss: 'InfoNCE' }), arm(1, { loss: 'kl' }), ...original.arms.slice(2)],
    };
    expect(words(spelled)).toBe('Same as small.');
  });

  it('tells the same change of several arms once', () => {
    const hotter: RecipeInput = {
      ...original,
      arms: [
        arm(0, { loss: 'infonce(temperature=0.5)' }),
        arm(1, { loss: 'kl(temperature=0.5)' }),
        arm(2, {}),
      ],
    };
    expect(words(hotter)).toBe('Differs from small: temperature 0.05 → 0.5 in two arms.');
    expect([...changesByPath(recipeChanges(original, hotter)).keys()]).toEqual([
      'arms[0].loss[0].temperature',
      'arms[1].loss[0].temperature',
    ]);
  });

  it.each<[string, Partial<RecipeInput>, string]>([
    ['seeds', { seeds: [1, 3, 5] }, 'seeds 1 → 1, 3, 5'],
    ['the encoder', { encoder: { model: 'pico', queryMaxLength: 32 } }, 'encoder nano → pico'],
    ['an encoding', { encoder: { model: 'nano' } }, 'maximum query length 32 → default'],
    [
      'training settings',
      { training: { batches: { batchSize: 32 }, learningRate: 1e-5, maxSteps: 12 } },
      'batch size 16 → 32; learning rate 3e-4 → 1e-5',
    ],
    ['a corpus', { corpus: { folder: 'x', dev: { split: 'dev' } } }, 'corpus demo → x'],
    ['a threshold', { filters: { strict: ['share<=0.9', 'length>=3'] } }, 'share<=0.95 → share<=0.9'],
    ['a rule less', { filters: { strict: ['length>=3'] } }, 'share<=0.95, length>=3 → length>=3'],
    [
      'what has no field',
      {
        sources: {
          ...original.sources,
          other: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 9 },
        },
      },
      'sources.other.negatives 8 → 9',
    ],
    ['something new', { tuning: { learningRates: [1e-4] } }, 'tuning added'],
  ])('names %s', (_, given, line) => {
    expect(words({ ...original, ...given })).toContain(line);
  });

  it('names arms that came, went, or are called otherwise', () => {
    const renamed = withArm(original, 1, arm(1, { name: 'by teacher' }));
    expect(words(renamed)).toContain('arm “listwise” → “by teacher”');
    expect(words(withCopyOfArm(original, 0))).toBe('Differs from small: arm “contrastive copy” added.');
    expect(words(withoutArm(original, 2))).toContain('arm “combined” removed');
    const changed = withArm(withCopyOfArm(original, 0), 2, arm(1, { loss: 'ws2', source: 'other' }));
    expect(words(changed)).toMatch(
      /arm “contrastive copy” added; source hard → other in “listwise”; loss Listwise KL/,
    );
  });

  it('compares an arm’s own training with what it took before', () => {
    const own = withArm(original, 0, arm(0, { training: { learningRate: 1e-3 } }));
    expect(words(own)).toBe('Differs from small: learning rate 3e-4 → 0.001 in “contrastive”.');
  });

  it('is short, and calls kept folders by their names', () => {
    const much: RecipeInput = {
      ...original,
      seeds: [2],
      name: 'other',
      encoder: { model: 'pico' },
      corpus: { folder: 'abc-123' },
      training: { epochs: 3 },
    };
    expect(words(much)).toMatch(/and \w+ more\.$/);
    expect(words({ ...original, corpus: { folder: 'abc', dev: { split: 'dev' } } }, () => 'nfcorpus')).toBe(
      'Differs from small: corpus demo → nfcorpus.',
    );
  });
});

describe('changes of the form', () => {
  it('leave a recipe that can be run', () => {
    const changed = [
      withCopyOfArm(withCopyOfArm(original, 0), 0),
      withNewArm(original),
      withoutArm(original, 1),
      withArm(original, 1, arm(1, { name: 'renamed' })),
    ];
    for (const each of changed) expect(() => readRecipe(each)).not.toThrow();
  });

  it('follow a new name, and forget a deleted arm, wherever the evaluation has it', () => {
    expect(withArm(original, 1, arm(1, { name: 'renamed' })).evaluation).toEqual({
      hybrids: ['renamed'],
      pairs: [
        ['renamed', 'contrastive'],
        ['renamed + bm25', 'bm25'],
        ['combined', 'contrastive'],
      ],
      show: { arm: 'renamed' },
    });
    expect(withoutArm(original, 1).evaluation).toEqual({
      hybrids: [],
      pairs: [['combined', 'contrastive']],
      show: {},
    });
  });

  it('take a setting, and its group with the last one, out again', () => {
    expect(withSetting({}, ['batches', 'batchSize'], 8)).toEqual({ batches: { batchSize: 8 } });
    expect(
      withSetting({ epochs: 2, batches: { batchSize: 8 } }, ['batches', 'batchSize'], undefined),
    ).toEqual({
      epochs: 2,
    });
  });

  it('name what is left to the JSON', () => {
    expect(alsoSet(original)).toEqual(['corpus.dev', 'generators', 'sources', 'evaluation.show']);
  });

  it('read seeds', () => {
    expect(readSeeds('1 · 3, 5')).toEqual([1, 3, 5]);
    for (const wrong of ['', '1, 1', 'x', '-1', '1.5', '99999999999'])
      expect(readSeeds(wrong)).toBeUndefined();
  });
});

describe('what a recipe takes', () => {
  it('is trainings and their steps, and invents no minutes', () => {
    expect(trainingsInWords(original)).toBe('3 trainings of at most 12 steps');
    expect(trainingsInWords({ ...original, seeds: [1, 2], training: { epochs: 10 } })).toBe(
      '6 trainings of 10 epochs',
    );
    expect(trainingsInWords({ ...original, arms: [arm(0, {})], tuning: { learningRates: [1] } })).toBe(
      '1 training of at most 12 steps, after a search for the best settings',
    );
  });

  it('says whether texts are recorded', () => {
    const http = { kind: 'http', address: 'http://127.0.0.1:1', model: 'm' } as const;
    const bare = omit(original, 'generators');
    expect(writingInWords(original)).toBe('generations recorded');
    expect(writingInWords(bare)).toBe('no language model');
    expect(writingInWords({ ...original, generators: { a: { kind: 'recorded' }, b: http } })).toBe(
      'generations recorded in part',
    );
    expect(writingInWords({ ...original, generators: { b: http } })).toBe('a language model writes');
  });
});
