import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { InputError } from '../../src/host/errors.ts';
import { RandomStream } from '../../src/host/random.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';

const folder = tinyModel('tiny-bert');
const names = [
  'config.json',
  'modules.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
];
const oddities: unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e300,
  '',
  'x',
  '[CLS]',
  '__proto__',
  '../..',
  [],
  [null],
  {},
  { type: 'Sequence' },
  { type: 'BertNormalizer' },
  { SpecialToken: null },
];

/** Puts an odd value somewhere into a JSON value. */
function twisted(value: unknown, random: RandomStream): unknown {
  const stop = random.uniform() < 0.2;
  if (stop || typeof value !== 'object' || value === null) return oddities[random.integer(oddities.length)];
  if (Array.isArray(value)) {
    const items = value as unknown[];
    const at = random.integer(items.length + 1);
    return [...items.slice(0, at), twisted(items[at], random), ...items.slice(at + 1)];
  }
  const entries = Object.entries(value);
  const at = random.integer(entries.length);
  const chosen = entries[at];
  if (!chosen) return oddities[random.integer(oddities.length)];
  if (random.uniform() < 0.2) return Object.fromEntries(entries.filter((_, i) => i !== at));
  return Object.fromEntries(entries.map(([key, each], i) => [key, i === at ? twisted(each, random) : each]));
}

// A sample of the long sweep: FUZZ_CASES=100000 runs more.
it(
  'answers every mutated model folder with a working encoder or an InputError',
  { timeout: 3_600_000 },
  async () => {
    const random = new RandomStream(11, 'folder mutations');
    const cases = Number(process.env.FUZZ_CASES ?? 2000);
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      const name = names[random.integer(names.length)] as string;
      const original = readFileSync(join(folder, name));
      let changed: Uint8Array<ArrayBuffer>;
      if (name.endsWith('.json') && random.uniform() < 0.7) {
        changed = new TextEncoder().encode(JSON.stringify(twisted(JSON.parse(original.toString()), random)));
      } else {
        changed = new Uint8Array(original);
        for (let edit = 0; edit <= random.integer(3); edit++) {
          changed[random.integer(changed.length)] = random.integer(256);
        }
        if (random.uniform() < 0.2) changed = changed.slice(0, random.integer(changed.length));
      }
      const withoutTokenizer = name === 'vocab.txt' ? { 'tokenizer.json': undefined } : {};
      try {
        const { tokenizer, shape, encoding } = await readEncoder(
          modelFolder(folder, { [name]: changed, ...withoutTokenizer }),
        );
        const ids = tokenizer.encode('What is the protein, 中 [SEP] zzz?', encoding.passageMaxLength);
        tokenizer.encodePair('a', 'b c', encoding.passageMaxLength);
        expect(ids.length).toBeLessThanOrEqual(encoding.passageMaxLength);
        for (const id of ids) expect(id >= 0 && id < shape.vocabSize).toBe(true);
      } catch (error) {
        if (!(error instanceof InputError)) {
          throw new Error(`${name}: ${new TextDecoder().decode(changed).slice(0, 3000)}`, { cause: error });
        }
        expect(error.message).toMatch(/^[^\n]{1,600}$/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(cases / 4);
  },
);
