import { describe, expect, it } from 'vitest';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();
const sources = [
  { source: 'mined', weight: 3, choice: 'easy-to-hard' },
  { source: 'ready', endWeight: 0, temperature: 0.2 },
];
const arm = (rest: object): Record<string, unknown> => ({ name: 'mixed', loss: 'infonce', ...rest });

describe('an arm that mixes sources', () => {
  it('trains on both, and again only where the mix is another', async () => {
    const recipe = (changes: object): unknown =>
      smallRecipe(place.corpus, {
        seeds: [1],
        arms: [arm({ mix: { sources, ...changes } })],
        evaluation: { samples: 1000, depth: 20 },
      });
    const first = await place.run(recipe({}));
    const [report] = first.report.arms;
    expect(report?.source).toBe('mined + ready');
    const apart = ['mined', 'ready'].map((name) => first.computed.indexOf(`lists of ${name}`));
    expect(apart.every((at) => at >= 0 && at < first.computed.indexOf('lists of mixed, mixed'))).toBe(true);
    expect((await place.run(recipe({}))).computed).toEqual([]);
    const other = await place.run(recipe({ batches: 'same-source' }));
    expect(other.computed[0]).toBe('training of mixed, seed 1');
    expect(other.report.arms[0]?.trainings[0]?.losses).not.toEqual(report?.trainings[0]?.losses);
  });

  it.each([
    ['lists', false],
    ['generated', true],
  ])('says that it is recorded where one of its sources is: %s, %s', async (kind, expected) => {
    const file = { corpusFile: 'lists.jsonl' };
    const recipe = smallRecipe(place.corpus, {
      seeds: [1],
      sources: {
        mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], ranks: { last: 10 }, negatives: 2 },
        ready: kind === 'lists' ? { kind, ...file } : { kind, recorded: file },
      },
      arms: [arm({ mix: { sources: [{ source: 'mined' }, { source: 'ready', filters: 'long' }] } })],
      filters: { long: ['length>=1'] },
      evaluation: { samples: 1000, depth: 20 },
    });
    const { report } = await place.run(recipe);
    expect(report.arms[0]?.listsReport.recorded).toBe(expected);
  });

  it.each([
    [{}, /arms\[0\].*set either "source" or "mix"/],
    [{ source: 'mined', mix: { sources } }, /set either "source" or "mix"/],
    [{ mix: { sources: [{ source: 'mind' }] } }, /there is no source "mind" \(did you mean "mined"/],
    [{ mix: { sources: [{ source: 'mined', filters: 'x' }] } }, /there is no stack of filters "x"/],
    [{ mix: { sources: [sources[1], sources[1]] } }, /two sources of the mix have the name "ready"/],
    [{ mix: { sources }, filters: 'strict' }, /set filters for each source of the mix instead/],
    [{ mix: { sources }, loss: 'margin-mse' }, /sets a temperature, but no loss/],
    [{ mix: { sources: [{ source: 'mined', weight: -1 }] } }, /weight/],
  ])('refuses %j', (rest, message) => {
    expect(() => readRecipe(smallRecipe('somewhere', { arms: [arm(rest)], evaluation: {} }))).toThrow(
      message,
    );
  });
});
