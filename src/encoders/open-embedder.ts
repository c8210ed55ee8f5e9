import type { Runtime } from '../host/contract.ts';
import { uploadWeights } from './device-weights.ts';
import type { Embedder } from './embedder.ts';
import { tableFamilyOf } from './families/index.ts';
import { GraphEmbedder } from './graph-embedder.ts';
import { TableEmbedder } from './table-embedder.ts';
import { rowsOf } from './token-table.ts';
import type { EncoderModel } from './types.ts';

/** An embedder of an encoder as it is; closing it gives the device's memory back. */
export async function openEmbedder(runtime: Runtime, model: EncoderModel): Promise<Embedder> {
  if (tableFamilyOf(model.shape) !== undefined) {
    const rows = rowsOf(model);
    return new TableEmbedder(runtime, model, () => rows);
  }
  const weights = await uploadWeights(runtime, model.weights);
  const embedder = new GraphEmbedder(runtime, model, () => weights);
  return {
    dimensions: embedder.dimensions,
    emptyTexts: embedder.emptyTexts,
    tokenize: (text, side) => embedder.tokenize(text, side),
    embed: (texts, side, options) => embedder.embed(texts, side, options),
    close: async () => {
      await embedder.close();
      for (const tensor of weights.values()) tensor.dispose();
    },
  };
}
