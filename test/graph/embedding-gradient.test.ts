import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { repeatOnWasm } from '../support/wasm.ts';
import {
  BitPatterns,
  embeddingCase,
  fullSize,
  openHostAddition,
  repeatOn,
  type EmbeddingCase,
  type Repeatable,
} from './embedding-case.ts';
import { relativeError } from './golden.ts';

/**
 * At MiniLM's real size: ONNX Runtime's scatter with addition loses updates there (bench/embedding-gradient.ts
 * shows it), and is right at the sizes of other tests.
 */
describe('the gradient of word embeddings at full size', () => {
  const threadCounts = [1, 2, 4];
  let embedding: EmbeddingCase;
  let addition: Awaited<ReturnType<typeof openHostAddition>>;
  beforeAll(async () => {
    embedding = embeddingCase(fullSize);
    addition = await openHostAddition(embedding);
  });
  afterAll(() => addition.close());

  async function collect(
    patterns: BitPatterns,
    way: 'host' | 'device',
    open: () => Promise<Repeatable>,
    repeats: number,
  ): Promise<void> {
    const repeatable = await open();
    for (let i = 0; i < repeats; i++) {
      const { values } = await repeatable.run();
      patterns.add(way === 'host' ? addition.add(values) : values);
    }
    await repeatable.close();
  }

  function expectOneRightPattern({ patterns }: BitPatterns): void {
    expect(patterns).toHaveLength(1);
    expect(relativeError(patterns[0]!, embedding.reference)).toBeLessThan(1e-5);
  }

  it('has ids that repeat as words do', () => {
    const counts = new Map<number, number>();
    for (const id of embedding.ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(embedding.ids).toHaveLength(2304);
    expect(Math.max(...counts.values())).toBeGreaterThan(100);
    expect(counts.size).toBeGreaterThan(800);
  });

  it.each([
    { way: 'host', repeats: 50 },
    { way: 'device', repeats: 10 },
  ] as const)(
    'on the CPU, way "$way", is right and the same bits $repeats times with 1, 2 and 4 threads',
    async ({ way, repeats }) => {
      const patterns = new BitPatterns();
      for (const threads of threadCounts) {
        const runtime = await openRuntime({ device: 'cpu', threads });
        await collect(patterns, way, () => repeatOn(runtime, embedding, embedding.ways[way]), repeats);
        await runtime.close();
      }
      expectOneRightPattern(patterns);
    },
  );

  it.each(['host', 'device'] as const)(
    'in WebAssembly, way "%s", is right and the same bits with 1, 2 and 4 threads',
    async (way) => {
      const patterns = new BitPatterns();
      for (const threads of threadCounts) {
        await collect(patterns, way, () => repeatOnWasm(threads, embedding, embedding.ways[way]), 2);
      }
      expectOneRightPattern(patterns);
    },
  );
});
