import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import type { Embedder } from '../../src/encoders/embedder.ts';
import { InputError } from '../../src/core/errors.ts';
import { devEvaluation } from '../../src/training/dev-evaluation.ts';
import { TrainingDivergedError } from '../../src/training/trainer.ts';

/** An embedder that knows its texts. */
function embedderOf(vectors: Readonly<Record<string, readonly [number, number]>>): Embedder {
  const known = {
    dimensions: 2,
    embed: (texts: readonly string[]) =>
      Promise.resolve(Float32Array.from(texts.flatMap((text) => vectors[text] ?? [NaN, NaN]))),
  };
  return known as unknown as Embedder;
}

function list(query: string, documents: Readonly<Record<string, number>>): ListRecord {
  return {
    query_id: query,
    query,
    documents: Object.entries(documents).map(([text, label]) => ({
      id: `${query} ${text}`,
      text,
      label,
      source: 'gold',
    })),
  };
}

const lists = [list('east', { right: 1, up: 0 }), list('north', { up: 1, down: 0, Right: 0 })];
const vectors = { east: [1, 0.1], north: [0.1, 1], right: [1, 0], up: [0, 1], down: [0, -1] } as const;

describe('devEvaluation', () => {
  it('lets each query search the passages of all lists, equal texts counting once', async () => {
    const { ndcg_cut_10, recip_rank } = await devEvaluation(lists, 'cosine')(embedderOf(vectors), 0);
    expect(ndcg_cut_10).toBe(1);
    expect(recip_rank).toBe(1);
    // Turned around, each positive is second of three, behind the passage of the other list.
    const turned = embedderOf({ ...vectors, east: [0.1, 1], north: [1, 0.1] });
    expect((await devEvaluation(lists, 'cosine')(turned, 0)).recip_rank).toBeCloseTo(0.5, 10);
    expect((await devEvaluation(lists, 'cosine')(turned, 0)).ndcg_cut_10).toBeCloseTo(1 / Math.log2(3), 10);
  });

  it('compares as the training does', async () => {
    const long = embedderOf({ ...vectors, up: [3, 30] });
    expect((await devEvaluation(lists, 'cosine')(long, 0)).recip_rank).toBe(1);
    expect((await devEvaluation(lists, 'dot')(long, 0)).recip_rank).toBe(0.75);
  });

  it('counts grades', async () => {
    const graded = [list('east', { right: 1, up: 3, down: 0 })];
    const worst = await devEvaluation(graded, 'dot')(embedderOf(vectors), 0);
    const best = await devEvaluation(graded, 'dot')(embedderOf({ ...vectors, up: [2, 0] }), 0);
    expect(worst.ndcg_cut_10).toBeLessThan(1);
    expect(best.ndcg_cut_10).toBe(1);
  });

  it('leaves queries without a positive out, and refuses lists where none has one', async () => {
    const half = [...lists, list('west', { left: 0 })];
    const embedder = embedderOf({ ...vectors, left: [-1, 0] });
    expect((await devEvaluation(half, 'cosine')(embedder, 0)).recip_rank).toBe(1);
    expect(() => devEvaluation([list('west', { left: 0 })], 'cosine')).toThrow(InputError);
  });

  it('takes vectors that are no numbers for a training that diverged', async () => {
    const broken = embedderOf({ ...vectors, up: [NaN, 0] });
    await expect(devEvaluation(lists, 'cosine')(broken, 8)).rejects.toThrow(TrainingDivergedError);
    await expect(devEvaluation(lists, 'cosine')(broken, 8)).rejects.toThrow(
      /at step 8: non-finite dev vectors/,
    );
  });
});
