import { expect, test } from 'vitest';
import { lossByName } from '../../src/losses/index.ts';
import golden from '../golden/losses.json' with { type: 'json' };
import { relativeDistance } from './blocks.ts';

const { rows, columns, scores, teacher, labels, mask, positive, cases } = golden.block;

test.each(cases.map(({ loss, settings, value, gradient }) => [loss, settings, value, gradient] as const))(
  "%s %o has PyTorch's value and gradient on a block with masks",
  (loss, settings, value, gradient) => {
    const result = lossByName(loss).compute(
      {
        rows,
        columns,
        scores: Float64Array.from(scores),
        mask: Uint8Array.from(mask),
        positive: Int32Array.from(positive),
        labels: Float64Array.from(labels),
        teacher: Float64Array.from(teacher),
      },
      Object.fromEntries(Object.entries(settings)),
    );
    // PyTorch's WS2 goes over squared singular values, which costs half of the digits.
    const tolerance = loss === 'ws2' ? 1e-7 : 1e-12;
    expect(Math.abs(result.value - value) / value).toBeLessThan(tolerance);
    expect(relativeDistance(result.gradient, gradient)).toBeLessThan(tolerance);
  },
);
