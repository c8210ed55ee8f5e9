import * as ort from 'onnxruntime-web';
import { afterEach, expect, it, vi } from 'vitest';
import { RunQueue } from '../../../src/host/browser/run-queue.ts';
import { WasmRuntime } from '../../../src/host/browser/runtime-wasm.ts';
import { trainSteps } from '../../training/hundred-steps.ts';
import { bitsOf, wasmBits } from './wasm-bits.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('100 steps of a small BERT on WASM in Node give the same bits as in Chromium', async () => {
  vi.stubGlobal('navigator', {});
  ort.env.wasm.numThreads = 1;
  const runtime = new WasmRuntime(ort, 1, new RunQueue(60_000));
  expect(await bitsOf(await trainSteps(runtime, 100))).toBe(wasmBits);
  await runtime.close();
});
