/**
 * A training worker that does not live long: after so many steps of training it fails, ends without a word, or its GPU
 * device is taken away. Its address says which: `?crash=4`, `?end=4`, `?lose=4`; without it lives as others do.
 */
import { gpuDispatches } from '../support/browser/gpu-dispatches.ts';
import { serveStudio } from '../../src/studio/worker/serve.ts';
import type { StudioEvent } from '../../src/studio/protocol.ts';

const [[doom, stepsToLive] = []] = [...new URL(location.href).searchParams].filter(([name]) =>
  ['crash', 'end', 'lose'].includes(name),
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
let counted = 0;
let steps = 0;
const post = self.postMessage.bind(self) as (message: unknown, transfer?: Transferable[]) => void;
self.postMessage = (message: { readonly event?: StudioEvent }, transfer?: unknown) => {
  post(message, transfer as Transferable[] | undefined);
  const told = message.event;
  if (told?.kind !== 'run' || told.event.kind !== 'training') return;
  dispatches.postMessage(gpuDispatches() - counted);
  counted = gpuDispatches();
  if (told.event.event.kind !== 'step' || ++steps !== Number(stepsToLive)) return;
  if (doom === 'lose') device?.destroy();
  else if (doom === 'end') self.close();
  else {
    setTimeout(() => {
      throw new Error('the test has ended this worker');
    });
  }
};

serveStudio();
