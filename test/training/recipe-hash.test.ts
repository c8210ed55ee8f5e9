import { expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { recipeHash, type Recipe } from '../../src/training/recipe-hash.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { smallTraining as settings } from '../support/small-training.ts';
import { makeLists } from '../support/training-lists.ts';

it('tells whatever decides the numbers of a training, and nothing else', async () => {
  const encoder = await readEncoder(modelFolder(tinyModel('tiny-bert')));
  const lists = makeLists(1030);
  const recipe: Recipe = { settings, lists, encoder };
  const hash = await recipeHash(recipe);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  const same = { ...settings, activationBytes: 0, checkpointEvery: 7 };
  expect(await recipeHash({ ...recipe, settings: same, lists: structuredClone(lists) })).toBe(hash);

  const weights = new Map(encoder.weights);
  const [name, { dims, data }] = [...weights].at(-1)!;
  weights.set(name, { dims, data: data.map((value, i) => (i === 0 ? -value - 1 : value)) });
  const files = new Map(encoder.baggage.files);
  files.set('tokenizer.json', new TextEncoder().encode('{}'));
  const last = lists.at(-1)!;
  const others: Recipe[] = [
    { ...recipe, settings: { ...settings, seed: 4 } },
    { ...recipe, settings: { ...settings, loss: parseLossSpec('infonce(temperature=0.5)') } },
    { ...recipe, settings: { ...settings, batches: { ...settings.batches, level: 2 } } },
    { ...recipe, lists: [...lists.slice(0, -1), { ...last, query: `${last.query}?` }] },
    { ...recipe, encoder: { ...encoder, encoding: { ...encoder.encoding, queryPrefix: 'query: ' } } },
    { ...recipe, encoder: { ...encoder, weights } },
    { ...recipe, encoder: { ...encoder, baggage: { ...encoder.baggage, files } } },
  ];
  const hashes = await Promise.all(others.map(recipeHash));
  expect(new Set([hash, ...hashes]).size).toBe(1 + others.length);
});
