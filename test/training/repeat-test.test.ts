import { expect, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { testDevice, testRepeats } from '../../src/training/repeat-test.ts';
import { watchRuntime } from '../support/watched-runtime.ts';
import { goldenModel } from './hundred-steps.ts';

const options = { lengthLadder: [8], tokensPerMicroBatch: 64, activationBytes: 2 ** 30 };

async function test(runtime: Runtime) {
  const { encoder, weights } = goldenModel();
  return testRepeats(runtime, encoder, weights, { ...options, trainable: [...weights.keys()] });
}

it('finds that the CPU repeats to the bit, and leaves the weights alone', async () => {
  const runtime = await openRuntime({ device: 'cpu', threads: 2 });
  const { encoder, weights } = goldenModel();
  const watched = watchRuntime(runtime);
  const result = await testRepeats(watched, encoder, weights, { ...options, trainable: [...weights.keys()] });
  expect(result).toEqual({ repeats: true, differing: [] });
  expect(weights).toEqual(goldenModel().weights);
  expect(watched.openSessions).toBe(0);
  await runtime.close();
});

it('has a model of its own for a device that the user asks about', async () => {
  const runtime = await openRuntime({ device: 'cpu', threads: 2 });
  const watched = watchRuntime(runtime);
  expect(await testDevice(watched)).toBe(true);
  expect(watched.openSessions).toBe(0);
  expect(await testDevice(careless(runtime, 'encoder.layer.0.output.dense.weight'))).toBe(false);
  await runtime.close();
});

it('names the parameter whose gradient a device adds up in another order each time', async () => {
  const runtime = await openRuntime({ device: 'cpu', threads: 2 });
  const name = 'encoder.layer.1.output.dense.weight';
  const { repeats, differing } = await test(careless(runtime, name));
  expect(repeats).toBe(false);
  expect(differing).toEqual([name]);
  await runtime.close();
});

/** A device that adds up the gradient of a parameter in another order in the second step. */
function careless(runtime: Runtime, name: string): Runtime {
  let runs = 0;
  return {
    ...watchRuntime(runtime),
    createSession: async (model, sessionOptions) => {
      const session = await runtime.createSession(model, sessionOptions);
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        release: () => session.release(),
        run: async (...args) => {
          const outputs = await session.run(...args);
          const gradient = outputs[`gradient.${name}`];
          // As little as a rounding, in the second of the steps.
          if (gradient !== undefined && ++runs === 2) {
            const values = runtime.hostMemory(gradient) as Float32Array;
            values[0] = values[0]! * (1 + 2 ** -20);
          }
          return outputs;
        },
      };
    },
  };
}
