/**
 * Models in transformers.js in a module worker, as the page's training worker has them, beside the studio's own graphs
 * of the same weights. The worker's `fetch` is the hub; what it asked for elsewhere is in the answers.
 */
import { CrossEncoder } from '../../../src/encoders/cross-encoder.ts';
import { uploadWeights } from '../../../src/encoders/device-weights.ts';
import { GraphEmbedder } from '../../../src/encoders/graph-embedder.ts';
import type { ModelLibrary } from '../../../src/encoders/model-library.ts';
import { readCrossEncoder, readEncoder } from '../../../src/encoders/read-encoder.ts';
import { openModelFiles } from '../../../src/host/browser/model-files.ts';
import { openRuntime, type BrowserRuntimeOptions } from '../../../src/host/browser/runtime.ts';
import { openTransformersJs } from '../../../src/studio/worker/transformers-js.ts';
import type { ModelFiles, Runtime } from '../../../src/host/contract.ts';
import { InputError, messageOf } from '../../../src/core/errors.ts';
import { gpuDispatches } from '../../support/browser/gpu-dispatches.ts';
import { asRoberta, folderOf, libraryFiles, type TinyModel } from '../../support/browser/library-models.ts';
import { FakeHub } from './fake-hub.ts';

const words = 'what is the protein of heat in light WATER cell gene-drug rates (2) bone virus'.split(' ');
const text = (count: number, shift: number): string =>
  Array.from({ length: count }, (_, i) => words[(i * 5 + shift) % words.length]).join(' ');
/** Up to far beyond the 32 tokens of the models. */
const counts = [0, 1, 2, 3, 5, 7, 11, 13, 29, 60];
const texts = counts.map((count, i) => text(count, i));
const pairs = counts.flatMap((query, i) =>
  counts.map((passage, j) => [text(query, i), text(passage, 3 * j + i)] as const),
);

/** How far the library's values are from the studio's own, and how far those are from each other. */
export interface Comparison {
  readonly values: number;
  readonly difference: number;
  readonly spread: number;
}

interface ComparisonRequest {
  readonly model: TinyModel;
  readonly runtime: BrowserRuntimeOptions;
  /** How many are scored; all by default. */
  readonly pairs?: number;
}

function compare(actual: Float32Array, expected: Float32Array): Comparison {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, not ${expected.length}`);
  const difference = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  return { values: actual.length, difference, spread: Math.max(...expected) - Math.min(...expected) };
}

const hub = new FakeHub();
const open = (): ModelFiles =>
  openModelFiles({ endpoint: hub.endpoint, retryMs: 1, stallMs: 300, report: () => undefined });

async function serve(model: TinyModel): Promise<void> {
  const files = await libraryFiles(model);
  hub.start();
  for (const [path, bytes] of files) hub.add(path, bytes, path.includes('model.'));
}

async function compareEncoder(runtime: Runtime, library: ModelLibrary): Promise<Comparison[]> {
  const overrides = { queryPrefix: 'heat: ', queryMaxLength: 9, passageMaxLength: 20 };
  const own = await readEncoder(await open().open('org/model'), overrides);
  const weights = await uploadWeights(runtime, own.weights);
  const embedder = new GraphEmbedder(runtime, own, () => weights);
  const loaded = await (await library.encoder('org/model', overrides)).load(runtime);
  const comparisons = [];
  for (const side of ['query', 'passage'] as const) {
    comparisons.push(compare(await loaded.embed(texts, side), await embedder.embed(texts, side)));
  }
  await loaded.close();
  await embedder.close();
  return comparisons;
}

async function compareCrossEncoder(
  runtime: Runtime,
  library: ModelLibrary,
  count: number,
): Promise<Comparison[]> {
  const some = pairs.slice(0, count);
  const own = await CrossEncoder.create(runtime, await readCrossEncoder(await open().open('org/model')));
  const loaded = await (await library.crossEncoder('org/model')).load(runtime);
  const comparisons = [compare(await loaded.score(some), await own.score(some))];
  await loaded.close();
  await own.close();
  return comparisons;
}

const scenarios = {
  /** The same weights in both, of models on the hub. */
  compare: async ({ model, runtime: options, pairs: count = pairs.length }: ComparisonRequest) => {
    await serve(model);
    const { runtime } = await openRuntime(options);
    let turns = 0;
    const turn = (): Promise<void> => {
      turns++;
      return Promise.resolve();
    };
    const library = openTransformersJs(open(), { turn });
    const comparisons =
      model === 'tiny-cross-encoder'
        ? await compareCrossEncoder(runtime, library, count)
        : await compareEncoder(runtime, library);
    return { comparisons, turns };
  },

  /** What is asked of the hub the second time, and without a connection. */
  again: async () => {
    await serve('tiny-bert');
    const hashes: string[] = [];
    const dimensions: number[] = [];
    const requests: number[] = [];
    for (const isOffline of [false, false, true]) {
      hub.offline = isOffline;
      hub.requests.length = 0;
      const model = await openTransformersJs(open()).encoder(`org/model@${hub.commit}`);
      const loaded = await model.load({ device: 'wasm' });
      hashes.push(model.hash);
      dimensions.push(loaded.dimensions);
      requests.push(hub.requests.length);
      await loaded.close();
    }
    return { hashes, dimensions, requests };
  },

  /** An architecture that the studio has no graphs for, from a folder that was dropped. */
  foreign: async () => {
    const files = await libraryFiles('tiny-cross-encoder');
    const { runtime } = await openRuntime({ device: 'wasm', threads: 1 });
    const own = await CrossEncoder.create(runtime, await readCrossEncoder(folderOf(files)));
    const library = openTransformersJs({ open: () => Promise.resolve(folderOf(asRoberta(files))) });
    const model = await library.crossEncoder('dropped');
    const loaded = await model.load(runtime);
    return {
      architecture: model.architecture,
      comparison: compare(await loaded.score(pairs), await own.score(pairs)),
    };
  },

  /** A repository without some file. */
  missing: async ({ path }: { path: string }) => {
    await serve('tiny-bert');
    hub.files.delete(path);
    await openTransformersJs(open()).encoder('org/model');
  },

  /** A file that was read once, and not kept, and is not there when the model is loaded. */
  lost: async ({ path }: { path: string }) => {
    await serve('tiny-bert');
    hub.add('onnx/model.onnx_data', Uint8Array.of(1, 2, 3), true);
    const model = await openTransformersJs(open()).encoder('org/model');
    await caches.delete('retriever-studio/models');
    hub.files.delete(path);
    await model.load({ device: 'wasm' });
  },

  /** A graph that is none. */
  broken: async () => {
    await serve('tiny-bert');
    hub.add('onnx/model.onnx', 'no graph', true);
    await (await openTransformersJs(open()).encoder('org/model')).load({ device: 'wasm' });
  },
};

type Scenarios = typeof scenarios;
export type ScenarioName = keyof Scenarios;
export type ScenarioInput<Name extends ScenarioName> = Parameters<Scenarios[Name]>;
export type ScenarioResult<Name extends ScenarioName> = Awaited<ReturnType<Scenarios[Name]>>;

export interface LibraryRequest {
  readonly name: ScenarioName;
  readonly input: readonly unknown[];
}

export interface LibraryAnswer {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly isInput: boolean };
  /** The addresses of all that the worker fetched and imported, but from the hub. */
  readonly fetched: readonly string[];
  /** What it asked of WebGPU. */
  readonly dispatches: number;
}

self.onmessage = async ({ data: { name, input } }: MessageEvent<LibraryRequest>) => {
  performance.setResourceTimingBufferSize(10_000);
  let answer: Pick<LibraryAnswer, 'result' | 'error'>;
  try {
    const scenario = scenarios[name] as (...input: readonly unknown[]) => Promise<unknown>;
    answer = { result: await scenario(...input) };
  } catch (error) {
    answer = { error: { message: messageOf(error), isInput: error instanceof InputError } };
  }
  const fetched = performance.getEntriesByType('resource').map((entry) => entry.name);
  self.postMessage({
    ...answer,
    fetched,
    dispatches: gpuDispatches(),
  } satisfies LibraryAnswer);
};
