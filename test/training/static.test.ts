import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../src/encoders/types.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { trainingSettings } from '../../src/pipeline/training-settings.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { withChangedRows } from '../../src/training/changed-rows.ts';
import { CheckpointStore } from '../../src/training/checkpoint.ts';
import { defaultAdamW } from '../../src/training/optimizer.ts';
import { train, type TrainerParts, type TrainingEvent } from '../../src/training/trainer.ts';
import { staticTraining } from '../support/small-training.ts';
import { staticFolder } from '../support/static-folder.ts';
import {
  bitsOfTrainings,
  golden,
  goldenTensor,
  relativeDistance,
  staticBits,
  StaticTraining,
  type GoldenCase,
} from '../support/static-training.ts';
import { makeLists } from '../support/training-lists.ts';

const nameOf = ({ loss }: GoldenCase): string => loss.split('(')[0]!;

describe('a table in training, against EmbeddingBag and SparseAdam of PyTorch', () => {
  it.each(golden.cases)('takes the same gradients and 100 steps under $loss', async (each) => {
    const start = goldenTensor('start');
    const training = new StaticTraining(each);
    const { gradientNorm } = await training.gradients(0);
    const gradient = goldenTensor(`${nameOf(each)}/gradient`).data;
    expect(gradientNorm).toBeCloseTo(Math.hypot(...gradient), 4);
    // The first moment of the first step is (1 − β₁) times the gradient.
    await training.trainable.update(golden.learningRate[0]!, 1);
    const [moment] = (await training.trainable.readMoments()).first.values();
    const [ids] = (await training.trainable.readWeights()).values();
    const changed = [...ids!.data].flatMap((row) => [...gradient.subarray(row * 8, (row + 1) * 8)]);
    expect(
      relativeDistance(
        moment!.map((value) => value / (1 - 0.9)),
        changed,
      ),
    ).toBeLessThan(1e-4);
    // Rows that no text of the batch has are the only others.
    expect(Math.hypot(...changed)).toBeCloseTo(Math.hypot(...gradient), 6);

    const losses = [];
    const whole = new StaticTraining(each);
    for (let step = 0; step < 100; step++) losses.push(await whole.step(step));
    losses.forEach((loss, step) => {
      const expected = each.values[step]!;
      expect(Math.abs(loss - expected), `step ${step}`).toBeLessThan(1e-3 * Math.max(expected, 1e-2));
    });
    const weights = withChangedRows(
      new Map([['embedding.weight', start]]),
      await whole.trainable.readWeights(),
    );
    const final = goldenTensor(`${nameOf(each)}/final`).data;
    expect(relativeDistance(weights.get('embedding.weight')!.data, final)).toBeLessThan(1e-3);
  });

  it.each(golden.cases)('has the gradient that finite differences find under $loss', async (each) => {
    const at = async (direction: Float32Array, size: number): Promise<number> => {
      const { dims, data } = goldenTensor('start');
      const moved = data.map((value, i) => value + size * direction[i]!);
      return (await new StaticTraining(each, { dims, data: moved }).gradients(2)).loss;
    };
    const training = new StaticTraining(each);
    const { gradientNorm } = await training.gradients(2);
    await training.trainable.update(0, 1);
    const [moment] = (await training.trainable.readMoments()).first.values();
    const [ids] = (await training.trainable.readWeights()).values();
    const direction = new Float32Array(goldenTensor('start').data.length);
    [...ids!.data].forEach((row, i) =>
      direction.set(
        moment!.subarray(i * 8, (i + 1) * 8).map((value) => value / (1 - 0.9) / gradientNorm),
        row * 8,
      ),
    );
    // Along the gradient itself the slope is its norm.
    const slope = ((await at(direction, 2e-3)) - (await at(direction, -2e-3))) / 4e-3;
    expect(Math.abs(slope / gradientNorm - 1)).toBeLessThan(1e-3);
  });
});

it('gives the bits that it gives in browsers', async () => {
  expect(await bitsOfTrainings()).toBe(staticBits);
});

describe('training a static encoder', () => {
  let folder: string;
  let encoder: EncoderModel;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'studio-static-'));
    encoder = await readEncoder(staticFolder('model2vec'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const settings = staticTraining;
  const lists = makeLists(24);
  // It is given no runtime: one that computes nothing would throw.
  const parts = (changes: Partial<TrainerParts> = {}): TrainerParts => ({
    ...{ runtime: noRuntime, encoder, lists, settings, clock: nodeClock, version: 'test' },
    ...changes,
  });
  const openCheckpoints = async (name: string): Promise<CheckpointStore> => {
    const store = await FolderStore.open(join(folder, name));
    return new CheckpointStore(await store.openWriter('training'), store);
  };
  const evaluate: NonNullable<TrainerParts['evaluate']> = async (embedder, step) => {
    const [first] = await embedder.embed(['what is heat'], 'query');
    return { score: 10 - Math.abs(step - 8) + 1e-6 * first! };
  };

  it('learns without a runtime, and leaves the rows of other tokens alone', async () => {
    const result = await train(parts({ settings: { ...settings, epochs: 10 } }));
    const { losses } = result.history;
    const mean = (part: readonly number[]): number => part.reduce((a, b) => a + b, 0) / part.length;
    expect(mean(losses.slice(-6))).toBeLessThan(0.6 * mean(losses.slice(0, 6)));
    const before = encoder.weights.get('embedding.weight')!.data;
    const { dims, data } = result.weights.get('embedding.weight')!;
    const rows = Array.from({ length: dims[0]! }, (_, row) => data.subarray(row * 6, (row + 1) * 6));
    const changed = rows.filter((values, row) => values.some((value, x) => value !== before[row * 6 + x]));
    const tokens = new Set(
      lists.flatMap(({ query, documents }) =>
        [query, ...documents.map(({ text }) => text)].flatMap((text) => [
          ...encoder.tokenizer.encode(text, encoder.encoding.passageMaxLength),
        ]),
      ),
    );
    expect(changed.length).toBeGreaterThan(10);
    expect(changed.length).toBeLessThanOrEqual(tokens.size);
    expect(changed.length).toBeLessThan(dims[0]!);
  });

  it('goes on after being ended to the same bits, from checkpoints of the changed rows', async () => {
    const unbroken = await train(parts({ evaluate, checkpoints: await openCheckpoints('unbroken') }));
    const resumes: TrainingEvent[] = [];
    let result = unbroken;
    for (const stop of [5, 11, Infinity]) {
      const ending = new AbortController();
      result = await train(
        parts({
          evaluate,
          checkpoints: await openCheckpoints('broken'),
          signal: ending.signal,
          onEvent: (event) => {
            if (event.kind === 'step' && event.step >= stop) ending.abort();
            if (event.kind === 'resumed') resumes.push(event);
          },
        }),
      );
    }
    expect(resumes.map((event) => event.kind === 'resumed' && event.report.message)).toEqual([
      'bit-exact',
      'bit-exact',
    ]);
    expect(result.history).toEqual(unbroken.history);
    expect(result.bestStep).toBe(unbroken.bestStep);
    expect(result.weights).toEqual(unbroken.weights);
    const latest = await Promise.all(
      ['unbroken', 'broken'].map(
        async (name) => (await (await openCheckpoints(name)).loadLatest())?.checkpoint,
      ),
    );
    expect(latest[1]!.moments).toEqual(latest[0]!.moments);
    expect(latest[1]!.weights).toEqual(latest[0]!.weights);
    const { dims } = latest[0]!.weights.get('embedding.weight.changed_rows')!;
    expect(dims[0]).toBeLessThan(encoder.shape.vocabSize);
    expect(dims[0]).toBeGreaterThan(10);
  });

  it('neither decays nor clips by default, and refuses what would', async () => {
    const loss = parseLossSpec('infonce');
    const chosen = trainingSettings({}, loss, 0, () => 1, encoder.shape);
    expect(chosen.optimizer).toEqual({ ...defaultAdamW, weightDecay: 0, clipNorm: 0 });
    for (const [training, what] of [
      [{ optimizer: { weightDecay: 0.01 } }, 'weight decay'],
      [{ optimizer: { clipNorm: 1 } }, 'a maximum gradient norm'],
      [{ selection: { kind: 'lora', rank: 2, alpha: 2 } }, 'a selection of parameters'],
      [{ dropout: { hidden: 0.1, attention: 0.1 } }, 'dropout'],
    ] as const) {
      const wrong = trainingSettings(training, loss, 0, () => 1, encoder.shape);
      const error: unknown = await train(parts({ settings: wrong })).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect((error as Error).message).toContain(`a static encoder cannot be trained with ${what}: `);
    }
  });
});
