import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CrossEncoder } from '../../src/encoders/cross-encoder.ts';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import type { Embedder } from '../../src/encoders/embedder.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { readCrossEncoder, readEncoder } from '../../src/encoders/read-encoder.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { watchRuntime, type WatchedRuntime, type WatchOptions } from '../support/watched-runtime.ts';

/** One to eight texts: as many batch shapes. */
const lists = Array.from({ length: 8 }, (_, i) => Array.from({ length: i + 1 }, () => 'heat of water'));

describe('the sessions of batch shapes', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 1 });
  });
  afterAll(() => runtime.close());

  const openEmbedder = async (
    options: WatchOptions = {},
  ): Promise<{ watched: WatchedRuntime; embedder: Embedder }> => {
    const watched = watchRuntime(runtime, options);
    const encoder = await readEncoder(modelFolder(tinyModel('tiny-bert')));
    const weights = await uploadWeights(watched, encoder.weights);
    return { watched, embedder: new GraphEmbedder(watched, encoder, () => weights) };
  };

  it('are not closed under a caller when others come at the same time', async () => {
    const { watched, embedder } = await openEmbedder();
    const [known, fresh] = [lists[0]!, lists[4]!];
    const alone = [];
    for (const texts of [fresh, ...lists.slice(0, 4)]) alone.push(await embedder.embed(texts, 'query'));
    // The new shape closes the session that the known one is about to use.
    const together = await Promise.all([embedder.embed(known, 'query'), embedder.embed(fresh, 'query')]);
    expect(together).toEqual([alone[1], alone[0]]);
    await embedder.close();
    expect(watched.openSessions).toBe(0);
  });

  it('are made anew after one was refused', async () => {
    let refusals = 1;
    const { embedder } = await openEmbedder({
      beforeSession: () => {
        if (refusals-- > 0) throw new Error('too little memory');
      },
    });
    await expect(embedder.embed(['heat'], 'query')).rejects.toThrow('too little memory');
    expect(await embedder.embed(['heat'], 'query')).toHaveLength(embedder.dimensions);
    await embedder.close();
  });

  it('are few, however many shapes a cross-encoder scores', async () => {
    const watched = watchRuntime(runtime);
    const model = await readCrossEncoder(modelFolder(tinyModel('tiny-cross-encoder')));
    const scorer = await CrossEncoder.create(watched, model);
    for (const texts of lists) await scorer.score(texts.map((text) => ['heat', text]));
    expect(watched.mostOpenSessions).toBeLessThanOrEqual(4);
    await scorer.close();
    expect(watched.openSessions).toBe(0);
  });
});
