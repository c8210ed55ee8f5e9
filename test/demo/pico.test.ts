import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'public/models/pico');

interface Recipe {
  readonly sources: readonly { readonly package: string; readonly version: string }[];
  readonly student: { readonly dims: number };
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const recipe = json(join(root, 'tools/pico/pico.json')) as Recipe;

it('is a folder of at most 4 MB', () => {
  const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  expect(bytes).toBeLessThanOrEqual(4_000_000);
});

it('consists of the files that its recipe records, and of its card', () => {
  expect(readdirSync(folder).sort()).toEqual([...Object.keys(recipe.files), 'README.md'].sort());
  for (const [file, recorded] of Object.entries(recipe.files)) {
    const content = readFileSync(join(folder, file));
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect({ bytes: content.length, sha256 }, file).toEqual(recorded);
  }
});

it('has an int8 vector for each token of its vocabulary, and none is zero', () => {
  const { tensors } = readSafetensors(
    new Uint8Array(readFileSync(join(folder, 'model.safetensors'))),
    'pico',
  );
  const { vocab } = (json(join(folder, 'tokenizer.json')) as { model: { vocab: Record<string, number> } })
    .model;
  const table = tensors.get('embeddings');
  expect(table).toMatchObject({ dtype: 'I8', dims: [Object.keys(vocab).length, recipe.student.dims] });
  const ids = Object.values(vocab).sort((a, b) => a - b);
  expect(ids).toEqual(ids.map((_, index) => index));
  const data = table?.data.slice() ?? [];
  const { dims } = recipe.student;
  const zero = Object.keys(vocab).filter((_, row) =>
    data.slice(row * dims, (row + 1) * dims).every((value) => value === 0),
  );
  expect(zero).toEqual([]);
});

it('names its sources in its card, what it did not see, and what it scores', () => {
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const source of recipe.sources) expect(card).toContain(`${source.package} ${source.version}`);
  for (const part of ['all-MiniLM-L6-v2', 'no test set', 'SciFact', 'nDCG@10', 'license:'])
    expect(card).toContain(part);
});
