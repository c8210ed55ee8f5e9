import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EmbeddingCase, Repeatable, Way } from '../graph/embedding-case.ts';

/**
 * Runs a way with onnxruntime-web's WebAssembly build on so many threads: the forward pass once, what follows as
 * often as asked. Each has a worker of its own, since the number of threads holds for the whole instance.
 */
export async function repeatOnWasm(
  threads: number,
  { inputs }: EmbeddingCase,
  { models, result }: Way,
): Promise<Repeatable> {
  const worker = new Worker(new URL('wasm-worker.mjs', import.meta.url), {
    workerData: { threads, models, inputs, result },
  });
  const next = async (): Promise<unknown> => {
    const [message] = (await once(worker, 'message')) as [unknown];
    return message;
  };
  await next();
  return {
    run: async () => {
      const answer = next();
      worker.postMessage('run');
      return (await answer) as { values: Float32Array; milliseconds: number };
    },
    close: async () => {
      await worker.terminate();
    },
  };
}
