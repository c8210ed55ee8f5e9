import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CrossEncoder } from '../../src/encoders/cross-encoder.ts';
import { readCrossEncoder } from '../../src/encoders/read-encoder.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { readGoldenEncoder } from './golden-encoder.ts';

describe('the cross-encoder', () => {
  let runtime: Runtime;
  let scorer: CrossEncoder;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
    const model = await readCrossEncoder(modelFolder(tinyModel('tiny-cross-encoder')));
    scorer = await CrossEncoder.create(runtime, model);
  });
  afterAll(async () => {
    await scorer.close();
    await runtime.close();
  });

  it("gives PyTorch's logits of pairs", async () => {
    const golden = readGoldenEncoder('tiny-cross-encoder').golden('logits');
    // The first and the last row of the golden batch; the second starts within a word.
    const logits = await scorer.score([
      ['p in', 'p arec'],
      ['the', 'h'],
    ]);
    expect(logits).toHaveLength(2);
    expect(Math.abs(logits[0]! - golden[0]!)).toBeLessThan(1e-5 * Math.abs(golden[0]!) + 1e-7);
    expect(Math.abs(logits[1]! - golden[2]!)).toBeLessThan(1e-5 * Math.abs(golden[2]!) + 1e-7);
  });

  it('scores a pair the same whatever stands beside it, in order, and counts', async () => {
    const heard: number[] = [];
    const pairs = Array.from(
      { length: 120 },
      (_, i) => [`heat ${'of '.repeat(i % 7)}`, 'the water '.repeat(i % 13)] as const,
    );
    const together = await scorer.score(pairs, (done, total) => {
      expect(total).toBe(120);
      heard.push(done);
    });
    expect(heard.length).toBeGreaterThan(1);
    expect(heard.at(-1)).toBe(120);
    for (let i = 0; i < pairs.length; i += 11) {
      expect(Math.abs((await scorer.score([pairs[i]!]))[0]! - together[i]!)).toBeLessThan(1e-6);
    }
    const turned = await scorer.score([
      ['water', 'heat'],
      ['heat', 'water'],
    ]);
    expect(turned[0]).not.toBe(turned[1]);
  });
});
