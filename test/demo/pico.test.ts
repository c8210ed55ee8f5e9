import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEmbedder } from '../../src/encoders/open-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';

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

it('is found under its name, and finds the passage that answers a question, without a runtime', async () => {
  const model = await readEncoder(await openModelFiles().open('pico'));
  const embedder = await openEmbedder(noRuntime, model);
  const [query, answer, other] = [
    'Why does honey turn solid in the jar?',
    'Glucose leaves the solution as crystals, so honey sets.',
    'The train leaves at noon from the other platform.',
  ];
  const { vectors, dimensions } = {
    vectors: await embedder.embed([query, answer, other], 'passage'),
    dimensions: embedder.dimensions,
  };
  const cosine = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < dimensions; i++) sum += vectors[a * dimensions + i]! * vectors[b * dimensions + i]!;
    return sum;
  };
  expect(cosine(0, 0)).toBeCloseTo(1, 5);
  expect(cosine(0, 1)).toBeGreaterThan(cosine(0, 2) + 0.2);
  await embedder.close();
});

it('names its sources in its card, what it did not see, and what it scores', () => {
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const source of recipe.sources) expect(card).toContain(`${source.package} ${source.version}`);
  for (const part of ['all-MiniLM-L6-v2', 'no test set', 'SciFact', 'nDCG@10', 'license:'])
    expect(card).toContain(part);
});
