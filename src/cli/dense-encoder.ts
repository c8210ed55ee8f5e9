import { uploadWeights } from '../encoders/device-weights.ts';
import { Embedder } from '../encoders/embedder.ts';
import { openRuntime } from '../host/node/runtime.ts';
import type { EmbedTexts } from '../retrieval/retrieve.ts';
import { encodingOverrides, type EncodingOptions } from './encoding-options.ts';
import { openBaseEncoder } from './experiment.ts';
import type { CliIo } from './io.ts';
import type { ComputeOptions } from './options.ts';

/** An encoder, ready to embed. */
export interface DenseEncoder {
  readonly dimensions: number;
  /** @param onProgress hears how many texts of each call are done */
  embedWith(onProgress: (done: number, total: number) => void): EmbedTexts;
  close(): Promise<void>;
}

/**
 * Opens a model on the device that the user chose.
 * @throws InputError naming the file, or the device, and the remedy
 */
export async function openDenseEncoder(
  model: string,
  options: ComputeOptions & EncodingOptions,
  io: CliIo,
): Promise<DenseEncoder> {
  const encoder = await openBaseEncoder(model, encodingOverrides(options), io);
  const { device, threads } = options;
  const runtime = await openRuntime({ device, ...(threads !== undefined && { threads }) });
  io.note(
    `${model}: ${encoder.shape.layers} layers, ${encoder.shape.hiddenSize} dimensions, on ${runtime.device}`,
  );
  const weights = await uploadWeights(runtime, encoder.weights);
  const embedder = new Embedder(runtime, encoder, () => weights);
  return {
    dimensions: embedder.dimensions,
    embedWith: (onProgress) => (texts, side) => embedder.embed(texts, side, { onProgress }),
    close: async () => {
      await embedder.close();
      for (const tensor of weights.values()) tensor.dispose();
      await runtime.close();
    },
  };
}
