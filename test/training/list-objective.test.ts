import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { ListObjective } from '../../src/training/list-objective.ts';
import type { Mix } from '../../src/training/mixing/mix.ts';
import { smallTraining } from '../support/small-training.ts';

/** Graded lists: in each the first passage has the highest label, the second a lower one, the third none. */
const lists = Array.from({ length: 2 }, (_, i): ListRecord => {
  const document = (label: number): ListRecord['documents'][number] => ({
    id: `${i} ${label}`,
    text: `list ${i}, label ${label}`,
    label,
    source: 'any',
  });
  return { query_id: `q${i}`, query: `query ${i}`, origin: 'graded', documents: [3, 1, 0].map(document) };
});

/** By passage, the length of its gradient where every passage is as near to every query. */
async function gradients(level: number | undefined, mix: Mix | undefined): Promise<Record<string, number>> {
  const settings = {
    ...smallTraining,
    batches: {
      ...smallTraining.batches,
      batchSize: 2,
      negatives: 'all' as const,
      otherPositives: true,
      ...(level !== undefined && { level }),
    },
    ...(mix !== undefined && { mix }),
  };
  const batch = new ListObjective(lists, settings, true).batch(0, 0);
  const vectors = (rows: number): Float32Array<ArrayBuffer> => new Float32Array(rows).fill(1);
  const { passageGradient } = await batch.loss(vectors(lists.length), vectors(batch.passages.length), 1);
  return Object.fromEntries(batch.passages.map((text, row) => [text, Math.abs(passageGradient[row] ?? NaN)]));
}

describe.each<{ name: string; mix: Mix | undefined }>([
  { name: 'one heap', mix: undefined },
  { name: 'a mix', mix: { batches: 'mixed', sources: [{ name: 'graded', weight: 1 }] } },
])('the lowest label of a positive, in $name,', ({ mix }) => {
  it('decides what a list teaches as a negative of its own query', async () => {
    const [any, high] = [await gradients(undefined, mix), await gradients(2, mix)];
    for (const list of [0, 1]) {
      const [graded, plain] = [`list ${list}, label 1`, `list ${list}, label 0`];
      // A known positive is left out of its own row, and so pushed away by the other list's query alone.
      expect(any[graded]).toBeLessThan(0.8 * (any[plain] ?? NaN));
      // Below the level it is a negative like any other.
      expect(high[graded]).toBeCloseTo(high[plain] ?? NaN, 6);
    }
  });
});
