/**
 * Exits with 0 if ONNX Runtime can run a graph on a WebGPU device here. A process of its own, because the first
 * attempt decides for the whole process, and because a broken driver may end it.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** One node, y = -x, on four floats. */
const model = Buffer.from(
  'CAg6NgoLCgF4EgF5IgNOZWcSBXByb2JlWg8KAXgSCgoICAESBAoCCARiDwoBeRIKCggIARIECgIIBEICEBE=',
  'base64',
);

try {
  const session = await InferenceSession.create(model, {
    executionProviders: [{ name: 'webgpu' }],
    preferredOutputLocation: { y: 'gpu-buffer' },
  });
  const { y } = await session.run({ x: new Tensor('float32', new Float32Array(4), [4]) });
  // An output that a fallback to the CPU made would lie in JavaScript memory.
  if (y.location !== 'gpu-buffer') throw new Error(`the output lies in ${y.location}, not on the device`);
  y.dispose();
  await session.release();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
