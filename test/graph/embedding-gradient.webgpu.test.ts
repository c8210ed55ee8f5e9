import { expect, it } from 'vitest';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';
import { BitPatterns, embeddingCase, repeatOn } from './embedding-case.ts';
import { relativeError } from './golden.ts';

/** The full size takes minutes on a GPU in software: bench/embedding-gradient.ts measures it. */
describeOnWebGpu('the gradient of word embeddings', () => {
  it('is right and the same bits 12 times', async () => {
    const embedding = embeddingCase({ vocabulary: 2000, width: 64, rows: 8, length: 32 });
    const runtime = await openRuntime({ device: 'webgpu' });
    const repeatable = await repeatOn(runtime, embedding, embedding.ways.device);
    const patterns = new BitPatterns();
    for (let i = 0; i < 12; i++) patterns.add((await repeatable.run()).values);
    await repeatable.close();
    await runtime.close();
    expect(patterns.patterns).toHaveLength(1);
    expect(relativeError(patterns.patterns[0]!, embedding.reference)).toBeLessThan(1e-5);
  });
});
