import { emptyTextsWarning } from '../encoders/embedder.ts';
import { foreignArchitecture } from '../encoders/model-kind.ts';
import { libraryModelName } from '../encoders/model-library.ts';
import { openEmbedder } from '../encoders/open-embedder.ts';
import type { Device } from '../host/contract.ts';
import { openRuntime } from '../host/node/runtime.ts';
import { openTransformersJs } from './transformers-js.ts';
import type { EmbedTexts } from '../retrieval/retrieve.ts';
import { encodingOverrides } from './encoding-options.ts';
import { openBaseEncoder, openModel, shownModelFiles } from './experiment.ts';
import type { CliIo } from './io.ts';
import type { ComputeOptions } from './options.ts';

/** An encoder, ready to embed. */
export interface DenseEncoder {
  readonly device: Device;
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
  options: ComputeOptions,
  io: CliIo,
): Promise<DenseEncoder> {
  const library = await openLibraryEncoder(model, options, io);
  if (library !== undefined) return library;
  const encoder = await openBaseEncoder(model, encodingOverrides(options), io);
  const { device, threads } = options;
  const runtime = await openRuntime({ device, ...(threads !== undefined && { threads }) });
  io.note(
    `${model}: ${encoder.shape.layers} layers, ${encoder.shape.hiddenSize} dimensions, on ${runtime.device}`,
  );
  const embedder = await openEmbedder(runtime, encoder);
  return {
    device: runtime.device,
    dimensions: embedder.dimensions,
    embedWith: (onProgress) => (texts, side) => embedder.embed(texts, side, { onProgress }),
    close: async () => {
      const warning = emptyTextsWarning(embedder.emptyTexts);
      if (warning !== undefined) io.warn(`${model}: ${warning}`);
      await embedder.close();
      await runtime.close();
    },
  };
}

/** The encoder in transformers.js, where the user asks for it or the studio has no graphs for the architecture. */
async function openLibraryEncoder(
  model: string,
  options: ComputeOptions,
  io: CliIo,
): Promise<DenseEncoder | undefined> {
  const asked = libraryModelName(model);
  const foreign = asked ?? (await openModel(model, io, foreignArchitecture));
  if (foreign === undefined) return undefined;
  const { files, stop } = shownModelFiles(io);
  const described = await openTransformersJs(files)
    .encoder(asked ?? model, encodingOverrides(options))
    .finally(stop);
  const { device, threads } = options;
  const usedDevice = device === 'auto' ? 'cpu' : device;
  const encoder = await described.load({
    device: usedDevice,
    ...(threads !== undefined && { threads }),
  });
  const why = asked === undefined ? ` because the studio does not implement ${foreign}` : '';
  io.note(`${model}: ${encoder.dimensions} dimensions, run by transformers.js${why}`);
  return {
    device: usedDevice,
    dimensions: encoder.dimensions,
    embedWith: (onProgress) => (texts, side) => encoder.embed(texts, side, { onProgress }),
    close: () => encoder.close(),
  };
}
