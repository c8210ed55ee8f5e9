import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encoderShapes } from '../../bench/support/random-encoder.ts';
import { encoderFamilies } from '../../src/encoders/families/index.ts';
import type { DeviceTensor, Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { RandomStream } from '../../src/core/random.ts';
import {
  createNormSession,
  createUpdateSession,
  decays,
  defaultAdamW,
  updateScalars,
  type AdamWSettings,
} from '../../src/training/optimizer.ts';
import { initialLoraWeights } from '../../src/training/parameter-selection.ts';

const size = 48;
const rates = [1e-3, 2e-3, 5e-4, 5e-4, 1e-2, 1e-3];
/** Each gradient is larger than the one before: some are clipped. */
const gradients = rates.map((_, step) => {
  const random = new RandomStream(11, 'gradients', step);
  return Float32Array.from({ length: size }, () => random.normal() * 0.05 * (step + 1));
});
const start = ((): Float32Array<ArrayBuffer> => {
  const random = new RandomStream(11, 'weights');
  return Float32Array.from({ length: size }, () => random.normal());
})();

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** AdamW by its paper (algorithm 2), with PyTorch's clip_grad_norm_ before, in float64. */
function reference(settings: AdamWSettings, decayed: boolean): Record<'w' | 'm' | 'v', Float64Array> {
  const w = Float64Array.from(start);
  const [m, v] = [new Float64Array(size), new Float64Array(size)];
  rates.forEach((rate, step) => {
    const gradient = gradients[step]!;
    const scale = settings.clipNorm > 0 ? Math.min(1, settings.clipNorm / (norm(gradient) + 1e-6)) : 1;
    for (let i = 0; i < size; i++) {
      const g = gradient[i]! * scale;
      m[i] = settings.beta1 * m[i]! + (1 - settings.beta1) * g;
      v[i] = settings.beta2 * v[i]! + (1 - settings.beta2) * g * g;
      const firstMoment = m[i]! / (1 - settings.beta1 ** (step + 1));
      const secondMoment = v[i]! / (1 - settings.beta2 ** (step + 1));
      const decay = decayed ? rate * settings.weightDecay * w[i]! : 0;
      w[i] = w[i]! - decay - (rate * firstMoment) / (Math.sqrt(secondMoment) + settings.epsilon);
    }
  });
  return { w, m, v };
}

describe('AdamW', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 1 });
  });
  afterAll(() => runtime.close());

  const host = (data: Float32Array<ArrayBuffer>): DeviceTensor =>
    runtime.tensor('float32', [data.length], data);

  /** @param inPlace whether outputs take over the memory of inputs, or come as new tensors */
  async function optimize(settings: AdamWSettings, decayed: boolean, inPlace: boolean) {
    const session = await createUpdateSession(
      runtime,
      settings,
      [{ name: 'p', shape: [size], decayed }],
      !inPlace,
    );
    let w = host(start.slice());
    let [m, v] = [host(new Float32Array(size)), host(new Float32Array(size))];
    for (const [step, rate] of rates.entries()) {
      const gradient = gradients[step]!;
      const scalars = Object.entries(updateScalars(settings, rate, step + 1, norm(gradient))).map(
        ([name, value]) => [name, host(Float32Array.of(value as number))] as const,
      );
      const inputs = {
        ...Object.fromEntries(scalars),
        'w.p': w,
        'm.p': m,
        'v.p': v,
        'g.p': host(gradient.slice()),
      };
      const outputs = await session.run(inputs, inPlace ? { 'new_w.p': w, 'new_m.p': m, 'new_v.p': v } : {});
      if (inPlace) expect(outputs['new_w.p']).toBe(w);
      else expect((await runtime.read(outputs['zero.p']!)).every((value) => value === 0)).toBe(true);
      [w, m, v] = [outputs['new_w.p']!, outputs['new_m.p']!, outputs['new_v.p']!];
    }
    const read = async (tensor: DeviceTensor): Promise<Float32Array> =>
      (await runtime.read(tensor)) as Float32Array;
    const result = { w: await read(w), m: await read(m), v: await read(v) };
    await session.release();
    return result;
  }

  it.each([
    ['decayed and clipped', { ...defaultAdamW, weightDecay: 0.1, clipNorm: 1 }, true],
    ['not decayed', { ...defaultAdamW, weightDecay: 0.1, clipNorm: 1 }, false],
    ['not clipped', { ...defaultAdamW, clipNorm: 0 }, true],
    [
      'with other betas and a large epsilon',
      { ...defaultAdamW, beta1: 0.8, beta2: 0.95, epsilon: 1e-3 },
      true,
    ],
  ] as const)('follows a float64 reference over several steps, %s', async (_, settings, decayed) => {
    const expected = reference(settings, decayed);
    const actual = await optimize(settings, decayed, true);
    for (const kind of ['w', 'm', 'v'] as const) {
      const scale = Math.max(...expected[kind].map(Math.abs));
      for (let i = 0; i < size; i++) {
        expect(Math.abs(actual[kind][i]! - expected[kind][i]!), `${kind}[${i}]`).toBeLessThan(2e-6 * scale);
      }
    }
  });

  it('tells clipping, decay and bias correction apart', () => {
    const clipped = reference({ ...defaultAdamW, clipNorm: 1 }, true);
    expect(clipped.m).not.toEqual(reference({ ...defaultAdamW, clipNorm: 0 }, true).m);
    expect(clipped.w).not.toEqual(reference({ ...defaultAdamW, clipNorm: 1 }, false).w);
    const weight = (clipNorm: number, gradientNorm: number): number =>
      updateScalars({ ...defaultAdamW, clipNorm }, 0.1, 1, gradientNorm).gradientWeight;
    expect(weight(2, 1)).toBe(weight(0, 1e9));
    expect(weight(2, 8) / weight(2, 1)).toBeCloseTo(0.25, 6);
  });

  it('gives the same bits in place and into new tensors', async () => {
    const settings = { ...defaultAdamW, weightDecay: 0.1 };
    expect(await optimize(settings, true, true)).toEqual(await optimize(settings, true, false));
  });

  it('sums squares for the norm, a vector in parts and a matrix by rows, in one output', async () => {
    const random = new RandomStream(3, 'norm');
    const [even, odd] = [4096, 1000].map((length) => Float32Array.from({ length }, () => random.normal()));
    const entries = [
      { name: 'even', shape: [4096] },
      { name: 'odd', shape: [10, 100] },
    ];
    const session = await createNormSession(runtime, entries, 1024);
    const outputs = await session.run({
      'g.even': host(even!),
      'g.odd': runtime.tensor('float32', [10, 100], odd),
    });
    expect(Object.keys(outputs)).toEqual(['squares']);
    expect(outputs.squares!.dims).toEqual([4 + 10]);
    let sum = 0;
    for (const square of (await runtime.read(outputs.squares!)) as Float32Array) sum += square;
    expect(Math.abs(Math.sqrt(sum) / Math.hypot(norm(even!), norm(odd!)) - 1)).toBeLessThan(1e-6);
    await session.release();
  });
});

describe('decays', () => {
  it.each(encoderFamilies)('leaves out the biases and LayerNorms of $title', (family) => {
    const shape = { ...encoderShapes.tiny, family: family.name };
    const parameters = [...family.parameters(shape)];
    const left = parameters.filter(([, dims]) => !decays(dims)).map(([name]) => name);
    const named = parameters
      .map(([name]) => name)
      .filter((name) => /\.bias$|layer_?norm\.weight$/i.test(name));
    expect(left).toEqual(named);
  });

  it('keeps the matrices of LoRA', () => {
    for (const { dims } of initialLoraWeights(encoderShapes.tiny, 1, 1).values()) {
      expect(decays(dims)).toBe(true);
    }
  });
});
