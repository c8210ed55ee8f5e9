import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';

const texts = readFileSync(join(import.meta.dirname, '../../public/demo/corpus.jsonl'), 'utf8')
  .split('\n')
  .slice(0, 12)
  .map((line) => (JSON.parse(line) as { text: string }).text);

async function vectorsOn(device: 'cpu' | 'webgpu'): Promise<Float32Array> {
  const encoder = await readEncoder(await openModelFiles().open('nano'));
  const runtime = await openRuntime({ device, threads: 1 });
  try {
    const weights = await uploadWeights(runtime, encoder.weights);
    const embedder = new GraphEmbedder(runtime, encoder, () => weights);
    const vectors = await embedder.embed(texts, 'passage');
    await embedder.close();
    return vectors;
  } finally {
    await runtime.close();
  }
}

describeOnWebGpu('the nano encoder', () => {
  it('gives the vectors that it gives on the CPU', async () => {
    const onCpu = await vectorsOn('cpu');
    const onGpu = await vectorsOn('webgpu');
    expect(onGpu.length).toBe(12 * 160);
    const largest = onGpu.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (onCpu[at] as number))),
      0,
    );
    expect(largest).toBeLessThan(1e-4);
  });
});
