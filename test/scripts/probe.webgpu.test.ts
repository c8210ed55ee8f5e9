import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { describeOnWebGpu } from '../support/webgpu.ts';

describeOnWebGpu('the set-up of the WebGPU tests', () => {
  it('runs a graph on the device', async () => {
    const model = Buffer.from(
      'CAg6NgoLCgF4EgF5IgNOZWcSBXByb2JlWg8KAXgSCgoICAESBAoCCARiDwoBeRIKCggIARIECgIIBEICEBE=',
      'base64',
    );
    const session = await InferenceSession.create(model, { executionProviders: [{ name: 'webgpu' }] });
    const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, 4), [4]) });
    expect(y?.data).toEqual(Float32Array.of(-1, -2, -3, -4));
  });
});
