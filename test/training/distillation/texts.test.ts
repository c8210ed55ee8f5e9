import { expect, it } from 'vitest';
import { distinctTexts, documentTexts, wordTexts } from '../../../src/training/distillation/texts.ts';

const document = {
  id: 'd1',
  title: 'Tides',
  text: 'The moon pulls the water of the sea towards it. Twice. A day has two high tides, about twelve hours apart, on most coasts.',
};

it('takes a passage apart into its title, sentences and runs of their words', () => {
  const texts = documentTexts(document, 1);
  expect(texts[0]).toBe(`Tides ${document.text}`);
  expect(texts[1]).toBe('Tides');
  expect(texts).toContain('The moon pulls the water of the sea towards it.');
  expect(texts).not.toContain('Twice.');
  const runs = texts.slice(2).filter((text) => !text.endsWith('.') || text.split(' ').length < 10);
  expect(runs).toHaveLength(2);
  for (const run of runs) {
    expect(document.text).toContain(run);
    expect(run.split(' ').length).toBeGreaterThanOrEqual(3);
    expect(run.split(' ').length).toBeLessThanOrEqual(9);
  }
  expect(documentTexts(document, 1)).toEqual(texts);
});

it('draws phrases of two to six of the words', () => {
  const words = ['sea', 'moon', 'coast'];
  const texts = wordTexts(words, 50, 1);
  expect(texts.slice(0, 3)).toEqual(words);
  expect(texts).toHaveLength(53);
  for (const phrase of texts.slice(3)) expect(phrase).toMatch(/^(?:(?:sea|moon|coast) ?){2,6}$/);
  expect(new Set(texts.slice(3).map((phrase) => phrase.split(' ').length)).size).toBe(5);
});

it('keeps each text once, and none that is forbidden, whatever its case and spaces', () => {
  expect(distinctTexts(['a  b', 'A b', 'c', ' ', 'The Query'], ['the query'])).toEqual(['a  b', 'c']);
});
