import { describe, expect, it } from 'vitest';
import { parseRules } from '../../src/lists/rule-spec.ts';
import { filterRules } from '../../src/lists/rules/index.ts';
import { losses } from '../../src/losses/index.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { recipeHelp } from '../../src/studio/recipe-help.ts';
import { openShelf } from '../../src/studio/recipe-shelf.ts';
import { lossInWords, lossTermsInWords, lossTextInWords } from '../../src/studio/words/losses.ts';
import { ruleInWords } from '../../src/studio/words/rules.ts';

describe('a loss in words', () => {
  it.each([
    [
      'kl(temperature=0.05, teacherTemperature=0.3)',
      ['Listwise KL divergence · temperature 0.05 · teacher temperature 0.3 · passages of its own list'],
    ],
    [
      'kl(squareScale=1, scope=batch) + 0.1*infonce(margin=0.2, mask=0.6)',
      [
        'Listwise KL divergence · temperature 0.05 · teacher temperature 0.3 · square scale · all passages of the batch',
        '0.1 × InfoNCE (multiple negatives ranking) · temperature 0.05 · margin 0.2 · all passages of the batch' +
          ' · without negatives above 0.6 × the positive’s teacher score',
      ],
    ],
  ])('has its settings, also those that are not written: %s', (text, words) => {
    expect(lossTermsInWords(parseLossSpec(text))).toEqual(words);
  });

  it('stays as a report has it, where that is of another version', () => {
    expect(lossTextInWords('listnet')).toMatch(/^ListNet/);
    expect(lossTextInWords('loss-of-tomorrow(x=1)')).toBe('loss-of-tomorrow(x=1)');
  });

  it('exists for every loss', () => {
    for (const { name, title } of losses) expect(lossInWords(parseLossSpec(name))).toContain(title);
  });
});

describe('a rule in words', () => {
  it.each([
    [
      'share<=0.95',
      "Keeps passages whose teacher score is at most 0.95 times the positive's, if that is 0 or more",
    ],
    [
      'percentile>=22',
      'Keeps lists whose highest teacher score reaches the 22nd percentile of the scores of their group',
    ],
    [
      'percentile>=11',
      'Keeps lists whose highest teacher score reaches the 11th percentile of the scores of their group',
    ],
    [
      'margin>=0.05@bm25',
      "Keeps passages whose teacher score is at least 0.05 below the positive's; applied to bm25 only",
    ],
  ])('has its threshold in its place: %s', (text, words) => {
    expect(parseRules([text]).map(ruleInWords)).toEqual([words]);
  });

  it('exists for every rule', () => {
    for (const { name, bound, threshold } of filterRules) {
      const [words] = parseRules([`${name}${bound}${threshold.min}`]).map(ruleInWords);
      expect(words).toMatch(/^Keeps /);
      expect(words).not.toMatch(/\bT\b/);
    }
  });
});

it('every recipe of the shelf has a title and asks a question', async () => {
  const shelf = await openShelf();
  expect(shelf.length).toBeGreaterThan(10);
  for (const { id, recipe } of shelf) {
    expect([id, recipe.title]).toEqual([id, expect.stringMatching(/^[A-Z].*[^.]$/)]);
    expect([id, recipe.question]).toEqual([id, expect.stringMatching(/^[A-Z].*\?$/)]);
  }
});

it('fields say what the schema says of them', () => {
  expect(recipeHelp('seeds')).toBe('Each arm is trained once with each seed.');
  expect(recipeHelp('evaluation', 'pairs')).toContain('pairs to compare');
  expect(recipeHelp('no', 'such')).toBe('');
});
