/** Runs models with ONNX Runtime's WebAssembly build in a thread of its own; see wasm.ts. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import { parentPort, workerData } from 'node:worker_threads';

const { threads, models, inputs, result } = workerData;
env.wasm.numThreads = threads;
const sessions = [];
for (const model of models) {
  sessions.push(await InferenceSession.create(model, { executionProviders: ['wasm'], logSeverityLevel: 3 }));
}
const feeds = Object.fromEntries(
  Object.entries(inputs).map(([name, { dataType, dims, data }]) => [name, new Tensor(dataType, data, dims)]),
);

async function run(session, known) {
  return session.run(Object.fromEntries(session.inputNames.map((name) => [name, known[name]])));
}

const [forward, ...rest] = sessions;
Object.assign(feeds, await run(forward, feeds));
parentPort.on('message', async () => {
  const startedAt = performance.now();
  const known = { ...feeds };
  for (const session of rest) Object.assign(known, await run(session, known));
  const milliseconds = performance.now() - startedAt;
  const values = known[result].data;
  parentPort.postMessage({ values, milliseconds }, [values.buffer]);
});
parentPort.postMessage('ready');
