/** Does Node's WebGPU open, and what can it do; what ONNX Runtime finds of CUDA. */
import type { DeviceTensor } from '../../../src/host/contract.ts';
import { InputError, messageOf } from '../../../src/core/errors.ts';
import { cudaProviderLibraries, onnxRuntimeBackends } from '../../../src/host/node/machine.ts';
import { openRuntime } from '../../../src/host/node/runtime.ts';
import { attempt, oneLine, report } from './part.ts';
import { productChain } from './product-chain.ts';

const backends = await onnxRuntimeBackends();
report({
  what: 'ONNX Runtime in Node',
  on: 'CPU',
  ...('error' in backends
    ? { failed: oneLine(backends.error) }
    : { value: `onnxruntime-node ${backends.version}, Node ${process.versions.node}` }),
});
const libraries = cudaProviderLibraries();
report({
  what: 'CUDA in Node',
  on: 'CUDA',
  ...(libraries.length === 0
    ? { skipped: 'absent, as expected: its provider is in no npm package' }
    : { value: libraries.join(', ') }),
});
try {
  const start = performance.now();
  const runtime = await openRuntime({ device: 'webgpu' });
  report({ webgpu: { works: true } });
  report({ what: 'Node’s WebGPU opens', on: 'WebGPU', value: (performance.now() - start) / 1000, unit: 's' });
  await attempt('f16 in graphs', 'WebGPU', async () => {
    const size = 64;
    const session = await runtime.createSession(productChain('float16', size, 1), { name: 'f16' });
    const ones = (dims: readonly number[]): DeviceTensor =>
      runtime.tensor('float32', dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1 / 8));
    const { y } = await session.run({ a: ones([size, size]), b: ones([size, size]), v: ones([size, 1]) });
    if (y === undefined) throw new Error('the graph returned nothing');
    const [first] = await runtime.read(y);
    // 64 · 1/8 · 1/8 = 1, and 64 · 1 · 1/8 = 8.
    if (first !== 8) throw new Error(`it computed ${String(first)} instead of 8`);
    return { value: 'works' };
  });
  await runtime.close();
} catch (error) {
  const reason = oneLine(messageOf(error instanceof InputError ? (error.cause ?? error) : error));
  report({ webgpu: { works: false, reason } });
  report({ what: 'Node’s WebGPU opens', on: 'WebGPU', failed: reason });
}
