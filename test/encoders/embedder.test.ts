import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import type { Embedder } from '../../src/encoders/embedder.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncodingOverrides } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { RandomStream } from '../../src/core/random.ts';
import { relativeError } from '../graph/golden.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { readGoldenEncoder } from './golden-encoder.ts';

const width = 16;

describe('the embedder', () => {
  let runtime: Runtime;
  const open: Embedder[] = [];
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
  });
  afterAll(async () => {
    for (const embedder of open) await embedder.close();
    await runtime.close();
  });

  const openEmbedder = async (
    name: 'tiny-bert' | 'tiny-distilbert' = 'tiny-bert',
    overrides: EncodingOverrides = {},
  ): Promise<Embedder> => {
    const encoder = await readEncoder(modelFolder(tinyModel(name)), overrides);
    const weights = await uploadWeights(runtime, encoder.weights);
    const embedder = new GraphEmbedder(runtime, encoder, () => weights);
    open.push(embedder);
    return embedder;
  };

  it.each(['tiny-bert', 'tiny-distilbert'] as const)("gives PyTorch's vectors of texts: %s", async (name) => {
    const golden = readGoldenEncoder(name);
    // Rows of the golden batch that are the tokens of a text; the second starts within a word.
    const rows = [0, 2];
    const texts = ['p in c p arec', 'The'];
    for (const [variant, { pooling, normalize }] of Object.entries(golden.variants)) {
      const embedder = await openEmbedder(name, { pooling, normalize });
      const vectors = await embedder.embed(texts, 'passage');
      const expected = golden.golden(`${variant}/embedding`);
      for (const [i, row] of rows.entries()) {
        const length = golden.mask.subarray(row * golden.length, (row + 1) * golden.length).indexOf(0);
        const ids = golden.ids.subarray(row * golden.length, row * golden.length + (length < 0 ? 8 : length));
        expect(embedder.tokenize(texts[i]!, 'passage')).toEqual(ids);
        const error = relativeError(
          vectors.subarray(i * width, (i + 1) * width),
          expected.subarray(row * width, (row + 1) * width),
        );
        expect(error, `${variant}, row ${row}`).toBeLessThan(1e-5);
      }
    }
  });

  it('gives a text the same vector whatever stands beside it, in the order of the texts', async () => {
    const embedder = await openEmbedder();
    const random = new RandomStream(7, 'texts');
    const words = ['protein', 'heat', 'of', 'water', 'cell', 'genes', 'blood'];
    const texts = Array.from({ length: 300 }, () =>
      Array.from({ length: random.integer(40) }, () => words[random.integer(words.length)]!).join(' '),
    );
    const together = await embedder.embed(texts, 'passage');
    let largest = 0;
    for (let i = 0; i < texts.length; i += 10) {
      const alone = await embedder.embed([texts[i]!], 'passage');
      for (let k = 0; k < width; k++) {
        largest = Math.max(largest, Math.abs(alone[k]! - together[i * width + k]!));
      }
    }
    expect(largest).toBeLessThan(1e-6);
    expect(await embedder.embed(texts, 'passage')).toEqual(together);
  });

  it('counts the texts done, up to all', async () => {
    const embedder = await openEmbedder();
    const heard: (readonly [number, number])[] = [];
    const texts = Array.from({ length: 600 }, (_, i) => 'heat '.repeat(i % 30));
    await embedder.embed(texts, 'query', { onProgress: (done, total) => heard.push([done, total]) });
    expect(heard.length).toBeGreaterThan(2);
    expect(heard.at(-1)).toEqual([600, 600]);
    expect(heard.every(([done], i) => i === 0 || done > heard[i - 1]![0])).toBe(true);
    expect(await embedder.embed([], 'query')).toEqual(new Float32Array(0));
  });

  it('embeds an empty text, and cuts one that is too long', async () => {
    const embedder = await openEmbedder('tiny-bert', { passageMaxLength: 6, queryMaxLength: 10 });
    const [empty, long, cut] = ['', 'heat of the water in a cell', 'heat of the water'];
    const vectors = await embedder.embed([empty, long, cut], 'passage');
    const row = (i: number): Float32Array => vectors.subarray(i * width, (i + 1) * width);
    expect(Math.hypot(...row(0))).toBeCloseTo(1, 5);
    expect(row(1)).toEqual(row(2));
    expect(await embedder.embed([long], 'query')).not.toEqual(row(2));
  });

  it('puts the prefix of its side before a text', async () => {
    const prefixed = await openEmbedder('tiny-bert', { queryPrefix: 'what is ', passagePrefix: 'the ' });
    const plain = await openEmbedder();
    expect(await prefixed.embed(['heat'], 'query')).toEqual(await plain.embed(['what is heat'], 'query'));
    expect(await prefixed.embed(['heat'], 'passage')).toEqual(await plain.embed(['the heat'], 'passage'));
  });
});
