/** Training steps in a worker, as the page trains; bench/gpu/parts/page.ts opens this page and asks. */
import type { StepsAnswer, StepsRequest } from './protocol.ts';

declare global {
  var trainSteps: (request: StepsRequest) => Promise<StepsAnswer>;
}

globalThis.trainSteps = (request) => {
  const worker = new Worker(new URL('steps.worker.ts', import.meta.url), { type: 'module' });
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<StepsAnswer>) => resolve(data);
    worker.onerror = ({ message }) => resolve({ failed: message });
    worker.postMessage(request);
  });
};
