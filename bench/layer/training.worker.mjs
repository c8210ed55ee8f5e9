/**
 * onnxruntime-web 1.19.2's training API, with the artifacts that training-artifacts.py makes. The input is a parameter
 * of them, so that it gets a gradient too.
 */
import { gradientName, lossName, upstreamName } from './graphs.ts';
import { inputName } from './problem.ts';
import { serve } from './system.ts';

const folder = new URL('/peers/ort1192/dist/', self.location.href).href;

serve(async (problem, { threads, artifacts }) => {
  const ort = await import(/* @vite-ignore */ `${folder}ort.training.wasm.min.mjs`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = folder;
  const file = (name) => new URL(`${artifacts}${name}`, self.location.href).href;
  const open = (name) =>
    ort.TrainingSession.create(
      { checkpointState: file('checkpoint'), trainModel: file(name) },
      { executionProviders: ['wasm'] },
    );
  const { data, dims } = problem.upstream;
  const feeds = { [upstreamName]: new ort.Tensor('float32', data, dims) };
  // There is one training session at a time: that which gives out the gradients comes and goes first.
  const checked = await open('checked_model.onnx');
  await checked.lazyResetGrad();
  const results = await checked.runTrainStep(feeds);
  const names = [inputName, ...problem.parameters.keys()];
  const gradients = new Map(names.map((name) => [name, results[gradientName(name)].data]));
  await checked.release();
  const session = await open('training_model.onnx');
  return {
    step: async () => {
      await session.lazyResetGrad();
      return (await session.runTrainStep(feeds))[lossName].data[0];
    },
    gradients: () => Promise.resolve(gradients),
  };
});
