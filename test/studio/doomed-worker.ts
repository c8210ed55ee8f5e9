/**
 * A training worker that does not live long: after so many steps of training it fails, or its GPU device is taken
 * away. Its address says which: `?crash=4`, `?lose=4`; without either it lives as others do.
 */
import { gpuDispatches } from '../support/browser/gpu-dispatches.ts';
import { serveStudio } from '../../src/studio/worker/serve.ts';
import type { StudioMessage } from '../../src/studio/protocol.ts';

const [[doom, stepsToLive] = []] = [...new URL(location.href).searchParams].filter(
  ([name]) => name === 'crash' || name === 'lose',
);

let device: GPUDevice | undefined;
if (doom === 'lose') {
  const requestDevice = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'requestDevice')
    ?.value as GPUAdapter['requestDevice'];
  GPUAdapter.prototype.requestDevice = async function (...args) {
    device = await requestDevice.apply(this, args);
    return device;
  };
}

/** The page counts what its workers have asked of the GPU. */
const dispatches = new BroadcastChannel('gpu-dispatches');
let told = 0;
let steps = 0;
const post = self.postMessage.bind(self) as (message: unknown, transfer?: Transferable[]) => void;
self.postMessage = (message: StudioMessage, transfer?: unknown) => {
  post(message, transfer as Transferable[] | undefined);
  if (message.kind !== 'event' || message.event.kind !== 'training') return;
  dispatches.postMessage(gpuDispatches() - told);
  told = gpuDispatches();
  if (message.event.event.kind !== 'step' || ++steps !== Number(stepsToLive)) return;
  if (doom === 'lose') device?.destroy();
  else {
    setTimeout(() => {
      throw new Error('the test has ended this worker');
    });
  }
};

serveStudio();
