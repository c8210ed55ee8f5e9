/** The studio's graphs through onnxruntime-web 1.19.2 with its default options. Variants: `split`, `whole`. */
import { gradientName, lossName, splitGraphs, upstreamName, wholeGraph } from './graphs.ts';
import { inputName } from './problem.ts';
import { serve } from './system.ts';

const folder = new URL('/peers/ort1192/dist/', self.location.href).href;

serve(async (problem, { threads, variant }) => {
  const ort = await import(/* @vite-ignore */ `${folder}ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = folder;
  const models = variant === 'whole' ? [wholeGraph(problem)] : Object.values(splitGraphs(problem));
  const sessions = [];
  for (const model of models) {
    sessions.push(await ort.InferenceSession.create(model, { executionProviders: ['wasm'] }));
  }
  const inputs = [[inputName, problem.input], [upstreamName, problem.upstream], ...problem.parameters];
  const values = Object.fromEntries(
    inputs.map(([name, { dims, data }]) => [name, new ort.Tensor('float32', data, dims)]),
  );
  let results = values;
  return {
    step: async () => {
      results = values;
      for (const session of sessions) {
        const feeds = Object.fromEntries(session.inputNames.map((name) => [name, results[name]]));
        results = { ...results, ...(await session.run(feeds)) };
      }
      return results[lossName].data[0];
    },
    gradients: async () =>
      new Map(
        [inputName, ...problem.parameters.keys()].map((name) => [name, results[gradientName(name)].data]),
      ),
  };
});
