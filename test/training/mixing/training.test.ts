import { describe, expect, it, test } from 'vitest';
import { parseLossSpec, type LossTerm } from '../../../src/losses/loss-spec.ts';
import type { Mix } from '../../../src/training/mixing/mix.ts';
import type { TrainingSettings } from '../../../src/training/settings.ts';
import { exactBatchLoss } from '../../../src/training/similarity.ts';
import { train } from '../../../src/training/trainer.ts';
import { smallTraining, smallTrainings } from '../../support/small-training.ts';
import { makeLists } from '../../support/training-lists.ts';
import { randomBatch } from '../batches-of-embeddings.ts';

describe('settings of each list', () => {
  const { embeddings, layout } = randomBatch(3, 6);
  const lists = layout.positive.length;

  test.each(['infonce', 'triplet(scope=batch) + kl', 'listnet(scope=in-batch) + 0.3*infonce(scope=batch)'])(
    '%s: each list is judged by its own, and blocks of rows change nothing',
    async (text) => {
      const spec = parseLossSpec(text);
      const warm = new Map<LossTerm, LossTerm['settings']>(
        spec.terms.map((term) => [
          term,
          'temperature' in term.settings
            ? { ...term.settings, temperature: 0.7 }
            : { ...term.settings, margin: 0.6 },
        ]),
      );
      const isWarm = (list: number): boolean => list % 3 === 1;
      const settingsOf = (term: LossTerm, list: number) =>
        isWarm(list) ? (warm.get(term) ?? term.settings) : term.settings;
      const both = await exactBatchLoss(spec, embeddings, layout, { similarity: 'dot', settingsOf });
      // The loss is a sum over lists: those that are warm as in a warm batch, the others as in a plain one.
      const blocks = await exactBatchLoss(spec, embeddings, layout, {
        similarity: 'dot',
        settingsOf,
        blockBytes: 1,
      });
      const plain = await exactBatchLoss(spec, embeddings, layout, { similarity: 'dot' });
      const allWarm = await exactBatchLoss(
        { terms: spec.terms.map((term) => ({ ...term, settings: warm.get(term) ?? term.settings })) },
        embeddings,
        layout,
        { similarity: 'dot' },
      );
      const { dimension } = embeddings;
      expect(both.value).not.toBe(plain.value);
      expect(blocks.value).toBeCloseTo(both.value, 12);
      for (let list = 0; list < lists; list++) {
        const row = (gradient: Float64Array): number[] =>
          [...gradient.slice(list * dimension, (list + 1) * dimension)].map((x) => Number(x.toFixed(10)));
        const expected = isWarm(list) ? allWarm : plain;
        expect(row(both.queryGradient)).toEqual(row(expected.queryGradient));
      }
    },
  );

  test("infonce's margin: the value of a positive that scores so much less", async () => {
    const one = { queries: Float64Array.of(1), passages: Float64Array.of(0.5, 0.2), dimension: 1 };
    const layoutOfOne = {
      offsets: Int32Array.of(0, 2),
      positive: Int32Array.of(0),
      documents: Int32Array.of(0, 1),
      positiveDocuments: [Int32Array.of(0)],
      labels: Float64Array.of(1, 0),
      teacher: Float64Array.of(NaN, NaN),
      sources: ['gold', 'bm25'],
    };
    const value = async (text: string): Promise<number> =>
      (await exactBatchLoss(parseLossSpec(text), one, layoutOfOne, { similarity: 'dot' })).value;
    // log(1 + exp((0.2 − (0.5 − 0.1)) / 0.5))
    expect(await value('infonce(temperature=0.5, margin=0.1)')).toBeCloseTo(Math.log1p(Math.exp(-0.4)), 12);
  });
});

describe('a training on a mix', () => {
  let experiments = 0;
  const lists = makeLists(24).map((list, i) => ({ ...list, origin: i < 16 ? 'mined' : 'written' }));
  const mix: Mix = {
    batches: 'mixed',
    sources: [
      { name: 'mined', weight: 1, choice: 'easy-to-hard' },
      { name: 'written', weight: 1, endWeight: 0, temperature: 0.2, margin: 0.1, choice: 'stratified' },
    ],
  };
  const settings: TrainingSettings = {
    ...smallTraining,
    mix,
    epochs: 2,
    evaluateEvery: 100,
    checkpointEvery: 1,
  };
  const { parts, openCheckpoints } = smallTrainings(lists, settings);

  it('goes on after any step to the same bits', async () => {
    const whole = await train(parts());
    expect(whole.steps).toBe(12);
    for (const end of [1, 5, 6, 11]) {
      const name = `e${experiments++}`;
      const ending = new AbortController();
      await train(
        parts({
          checkpoints: await openCheckpoints(name),
          signal: ending.signal,
          onEvent: (event) => {
            if (event.kind === 'step' && event.step === end) ending.abort();
          },
        }),
      );
      const resumed = await train(parts({ checkpoints: await openCheckpoints(name) }));
      expect(resumed.breaks).toEqual([]);
      expect(resumed.history.losses).toEqual(whole.history.losses);
      for (const [weight, { data }] of whole.weights) expect(resumed.weights.get(weight)?.data).toEqual(data);
    }
  });

  it('hears the temperature of a source', async () => {
    const other = { ...mix, sources: mix.sources.map((source) => ({ ...source, temperature: 0.05 })) };
    const [warm, cold] = [
      await train(parts({ settings: { ...settings, maxSteps: 2 } })),
      await train(parts({ settings: { ...settings, mix: other, maxSteps: 2 } })),
    ];
    expect(warm.history.losses[0]).not.toBe(cold.history.losses[0]);
  });

  it('says that it goes on with another mix', async () => {
    const name = `e${experiments++}`;
    await train(parts({ settings: { ...settings, maxSteps: 2 }, checkpoints: await openCheckpoints(name) }));
    const changed = { ...mix, batches: 'same-source' as const };
    const other = parts({
      settings: { ...settings, mix: changed, maxSteps: 2 },
      checkpoints: await openCheckpoints(name),
    });
    expect((await train(other)).breaks.join()).toMatch(/the configuration was changed/);
  });

  it('refuses a temperature for a loss of whole batches', async () => {
    await expect(
      train(parts({ settings: { ...settings, loss: parseLossSpec('ws2(scope=own)') } })),
    ).rejects.toThrow(/ws2 is computed over the whole batch|no loss of the training has/);
  });
});
