import { expect, it } from 'vitest';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { createParameterState } from '../../src/training/parameter-state.ts';
import { watchRuntime } from '../support/watched-runtime.ts';
import { checkRestoreClearsGradients } from './restored-gradients.ts';

it('restoring clears gradients on the CPU', async () => {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  await checkRestoreClearsGradients(runtime);
  await runtime.close();
});

// CUDA takes its inputs from host memory, where an update may be written in place.
it.each(['cpu', 'cuda'] as const)('leaves the weights alone that it was given: %s', async (device) => {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  const watched = watchRuntime(runtime, { device });
  const given = () => new Map([['a.weight', { dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]]);
  const zeros = () => new Map([['a.weight', new Float32Array(4)]]);
  const moments = () => ({ first: zeros(), second: zeros() });
  const [start, restored, restoredMoments] = [given(), given(), moments()];
  const state = await createParameterState(watched, start, ['a.weight'], defaultAdamW);
  const train = async () => {
    const gradient = watched.hostMemory(state.gradient('a.weight')) as Float32Array;
    gradient.fill(1);
    await state.update(0.1, 1, await state.gradientNorm());
    expect((await state.readWeights()).get('a.weight')?.data).not.toEqual(start.get('a.weight')?.data);
  };
  await train();
  expect(start).toEqual(given());
  await state.restore(restored, restoredMoments);
  await train();
  expect(restored).toEqual(given());
  expect(restoredMoments).toEqual(moments());
  await state.close();
  expect(watched.openSessions).toBe(0);
  await runtime.close();
});
