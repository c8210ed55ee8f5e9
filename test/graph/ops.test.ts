import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { relativeError } from './golden.ts';
import { build, checkOnRuntime, labeledCases } from './run-case.ts';

describe('operations against PyTorch and finite differences', () => {
  it('covers every builder that has a golden case', () => {
    expect(new Set(labeledCases.map(({ golden }) => golden.op)).size).toBeGreaterThanOrEqual(27);
  });

  it.each(labeledCases)('$label: reference evaluation', ({ golden }) => {
    const { feeds, output, gradients } = build(golden);
    const [value] = evaluate([output], feeds);
    expect(value!.shape).toEqual(golden.output.dims);
    expect(relativeError(value!.data, golden.output.data)).toBeLessThan(1e-6);
    golden.gradients.forEach((expected, i) => {
      if (expected === null) return;
      const [gradient] = evaluate([gradients[i]!], feeds);
      expect(gradient!.shape).toEqual(expected.dims);
      expect(relativeError(gradient!.data, expected.data, 1e-3)).toBeLessThan(1e-6);
    });
  });

  it.each(labeledCases)('$label: finite differences', ({ golden }) => {
    const { feeds, output, gradients } = build(golden);
    const upstream = feeds.get('upstream')!.data;
    const objective = (): number => {
      const [value] = evaluate([output], feeds);
      return value!.data.reduce((sum, y, i) => sum + y * upstream[i]!, 0);
    };
    golden.gradients.forEach((expected, i) => {
      if (expected === null) return;
      const [gradient] = evaluate([gradients[i]!], feeds);
      const { data } = feeds.get(`x${i}`)!;
      const numeric = data.map((value, k) => {
        const step = 1e-6;
        data[k] = value + step;
        const above = objective();
        data[k] = value - step;
        const below = objective();
        data[k] = value;
        return (above - below) / (2 * step);
      });
      expect(relativeError(gradient!.data, numeric, 1e-3)).toBeLessThan(1e-6);
    });
  });
});

describe('operations on the Node CPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
  });
  afterAll(() => runtime.close());

  it.each(labeledCases)('$label', async ({ golden }) => {
    await checkOnRuntime(runtime, golden, 1e-5);
  });
});
