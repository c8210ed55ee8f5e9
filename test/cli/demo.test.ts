import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { parseDistillationRecipe } from '../../src/training/distillation/recipe.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

it('comes with recipes that can be run', () => {
  const files = readdirSync(join(root, 'recipes')).filter((file) => file.endsWith('.json'));
  expect(files).toEqual([
    'nano-losses.json',
    'own-texts.json',
    'paper-a-filters.json',
    'paper-a-full.json',
    'paper-a-generators.json',
    'paper-a-mixing.json',
    'paper-a.json',
    'paper-b-full.json',
    'paper-b.json',
    'paper-c-full.json',
    'paper-c.json',
    'scifact.json',
    'static-losses.json',
  ]);
  for (const file of files) {
    expect(readRecipe(JSON.parse(read(`recipes/${file}`)), file).name).toBe(file.replace('.json', ''));
  }
  expect(parseDistillationRecipe(read('tools/nano/nano.json'), 'nano.json').name).toBe('nano');
});
