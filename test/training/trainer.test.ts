import { describe, expect, it } from 'vitest';
import type { EncoderModel } from '../../src/encoders/types.ts';
import { InputError, ResourceError } from '../../src/core/errors.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { parseLossSpec } from '../../src/losses/loss-spec.ts';
import { CheckpointStore } from '../../src/training/checkpoint.ts';
import { devEvaluation } from '../../src/training/dev-evaluation.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import {
  train,
  TrainingDivergedError,
  type TrainerParts,
  type TrainingEvent,
} from '../../src/training/trainer.ts';
import { smallTraining as settings, smallTrainings } from '../support/small-training.ts';
import { SimulatedDisk } from '../support/simulated-disk.ts';
import { makeLists } from '../support/training-lists.ts';
import { watchRuntime } from '../support/watched-runtime.ts';

describe('the trainer', () => {
  let experiments = 0;
  const lists = makeLists(24);

  const { parts, openCheckpoints } = smallTrainings(lists, settings);
  /** A score that rises and falls with the step, without any randomness. */
  const evaluate: NonNullable<TrainerParts['evaluate']> = async (embedder, step) => {
    const [first] = await embedder.embed(['what is heat'], 'query');
    return { score: 10 - Math.abs(step - 8) + 1e-6 * first! };
  };

  it('learns, and reports its speed', async () => {
    const events: TrainingEvent[] = [];
    const result = await train(
      parts({
        settings: { ...settings, epochs: 10, dropout: { hidden: 0, attention: 0 } },
        onEvent: (event) => events.push(event),
      }),
    );
    const { losses } = result.history;
    const mean = (part: readonly number[]): number => part.reduce((a, b) => a + b, 0) / part.length;
    expect(result.steps).toBe(60);
    expect(mean(losses.slice(-6))).toBeLessThan(0.6 * mean(losses.slice(0, 6)));
    const last = events.at(-1)!;
    expect(last).toMatchObject({ kind: 'step', step: 60, totalSteps: 60, secondsLeft: 0 });
    if (last.kind === 'step') {
      expect(last.pairsPerSecond).toBeGreaterThan(0);
      expect(last.shareOfMatmulRate).toBeGreaterThan(0);
    }
  });

  it('goes on after being ended mid-epoch, twice, with dropout, to the same bits', async () => {
    const unbroken = await train(parts({ evaluate, checkpoints: await openCheckpoints('unbroken') }));
    for (const stops of [
      [5, 11],
      [1, 2],
      [7, 17],
    ]) {
      const experiment = `broken-${experiments++}`;
      const resumes: TrainingEvent[] = [];
      for (const stop of [...stops, Infinity]) {
        const ending = new AbortController();
        const result = await train(
          parts({
            evaluate,
            checkpoints: await openCheckpoints(experiment),
            signal: ending.signal,
            onEvent: (event) => {
              if (event.kind === 'step' && event.step >= stop) ending.abort();
              if (event.kind === 'resumed') resumes.push(event);
            },
          }),
        );
        if (stop !== Infinity) {
          expect(result.endedBy).toBe('request');
          expect(result.steps).toBe(stop);
          continue;
        }
        expect(result.endedBy).toBe('steps');
        expect(result.bestStep).toBe(unbroken.bestStep);
        expect(result.history).toEqual(unbroken.history);
        expect(result.breaks).toEqual([]);
        for (const [name, { data }] of result.weights) {
          expect(data, name).toEqual(unbroken.weights.get(name)!.data);
        }
      }
      expect(resumes.map((event) => event.kind === 'resumed' && event.report.bitExact)).toEqual([true, true]);
      const [a, b] = await Promise.all(
        ['unbroken', experiment].map(async (name) => (await openCheckpoints(name)).loadLatest()),
      );
      expect(b!.checkpoint.moments).toEqual(a!.checkpoint.moments);
      expect(b!.checkpoint.weights).toEqual(a!.checkpoint.weights);
    }
  });

  it('says what makes a resumed training differ', async () => {
    const signal = AbortSignal.abort();
    await train(parts({ checkpoints: await openCheckpoints('changed'), signal }));
    const events: TrainingEvent[] = [];
    const result = await train(
      parts({
        checkpoints: await openCheckpoints('changed'),
        settings: { ...settings, tokensPerMicroBatch: 32 },
        onEvent: (event) => events.push(event),
      }),
    );
    expect(result.breaks.join()).toContain('tokensPerMicroBatch was 64 and is 32');
  });

  it('says that a resumed training starts from other frozen weights', async () => {
    const frozen: TrainingSettings = { ...settings, selection: { kind: 'last-layers', layers: 1 } };
    const signal = AbortSignal.abort();
    await train(parts({ checkpoints: await openCheckpoints('frozen'), settings: frozen, signal }));
    const { encoder } = parts();
    const weights = new Map(encoder.weights);
    const { dims, data } = weights.get('embeddings.LayerNorm.bias')!;
    weights.set('embeddings.LayerNorm.bias', { dims, data: data.map((value) => value + 1) });
    const checkpoints = await openCheckpoints('frozen');
    const result = await train(parts({ checkpoints, settings: frozen, encoder: { ...encoder, weights } }));
    expect(result.breaks).toHaveLength(1);
  });

  it('does not depend on how often checkpoints are made and which activations are kept', async () => {
    const usual = await train(parts());
    const checkpoints = await openCheckpoints('rhythm');
    const other = { ...settings, checkpointEvery: 5, activationBytes: 0 };
    const signal = AbortSignal.abort();
    await train(parts({ checkpoints, signal }));
    const result = await train(parts({ checkpoints, settings: other }));
    expect(result.breaks).toEqual([]);
    expect(result.history).toEqual(usual.history);
    for (const [name, { data }] of result.weights) expect(data, name).toEqual(usual.weights.get(name)!.data);
  });

  it('keeps the last checkpoint when the disk is full, and goes on from it', async () => {
    const unbroken = await train(parts());
    const disk = new SimulatedDisk();
    const open = async (process = disk.start()) => {
      const store = await FolderStore.open('/data/store', { disk: process });
      return { process, checkpoints: new CheckpointStore(await store.openWriter('training'), store) };
    };
    const { process, checkpoints } = await open();
    let saved = 0;
    const training = train(
      parts({
        checkpoints,
        onEvent: (event) => {
          if (event.kind !== 'checkpoint') return;
          saved = event.step;
          if (saved === 6) process.faultAt(5, { kind: 'full' });
        },
      }),
    );
    await expect(training).rejects.toThrow(ResourceError);
    await expect(training).rejects.toThrow(/the disk is full.*Free disk space/);
    expect(saved).toBe(6);
    process.kill();
    const after = await open();
    expect((await after.checkpoints.loadLatest())?.checkpoint.state.step).toBe(6);
    const result = await train(parts({ checkpoints: after.checkpoints }));
    expect(result.history).toEqual(unbroken.history);
  });

  it('keeps the untrained model where training only harms', async () => {
    const result = await train(
      parts({
        evaluate: (_, step) => Promise.resolve({ score: -step }),
        settings: { ...settings, epochs: 1 },
      }),
    );
    expect(result.bestStep).toBe(0);
    for (const [name, { data }] of result.weights)
      expect(data, name).toEqual(parts().encoder.weights.get(name)!.data);
  });

  it('stops early and keeps the best', async () => {
    const result = await train(
      parts({
        evaluate: (_, step) => Promise.resolve({ score: step === 4 ? 1 : 0 }),
        settings: { ...settings, earlyStopping: { ...settings.earlyStopping, patience: 2 } },
      }),
    );
    expect(result).toMatchObject({ endedBy: 'early stopping', bestStep: 4, steps: 12 });
  });

  it.each([
    { rate: 1e30, every: 100, evaluates: false, message: /at step 3: non-finite loss/ },
    { rate: 1e30, every: 1, evaluates: false, message: /at step 2: non-finite weights/ },
    { rate: 1e15, every: 1, evaluates: true, message: /at step 2: non-finite dev vectors/ },
  ])('stops where numbers become none: $message', async ({ rate, every, evaluates, message }) => {
    const checkpoints = await openCheckpoints(`diverged-${rate}-${every}`);
    const hopeless: TrainingSettings = {
      ...settings,
      learningRate: rate,
      checkpointEvery: every,
      evaluateEvery: every,
      dropout: { hidden: 0, attention: 0 },
      earlyStopping: { watch: [{ name: 'ndcg_cut_10', better: 'higher' }], patience: null },
    };
    const training = train(
      parts({
        checkpoints,
        settings: hopeless,
        ...(evaluates ? { evaluate: devEvaluation(lists, 'cosine') } : {}),
      }),
    );
    await expect(training).rejects.toThrow(TrainingDivergedError);
    await expect(training).rejects.toThrow(message);
    const loaded = await checkpoints.loadLatest();
    for (const { data } of loaded!.checkpoint.weights.values()) {
      expect(data.every((value) => Number.isFinite(value))).toBe(true);
    }
  });

  const changed = (result: { weights: EncoderModel['weights'] }): string[] =>
    [...result.weights]
      .filter(([name, { data }]) =>
        data.some((value, i) => value !== parts().encoder.weights.get(name)!.data[i]),
      )
      .map(([name]) => name);

  it('trains what it is told to', async () => {
    const short = { ...settings, epochs: 1 };
    const all = changed(await train(parts({ settings: short })));
    expect(all).toHaveLength(parts().encoder.weights.size);
    const noEmbeddings = changed(
      await train(parts({ settings: { ...short, selection: { kind: 'no-embeddings' } } })),
    );
    expect(noEmbeddings.length).toBeGreaterThan(0);
    expect(noEmbeddings.every((name) => name.startsWith('encoder.layer.'))).toBe(true);
    const last = changed(
      await train(parts({ settings: { ...short, selection: { kind: 'last-layers', layers: 1 } } })),
    );
    expect(last.every((name) => name.startsWith('encoder.layer.1.'))).toBe(true);
  });

  it('trains LoRA and merges it', async () => {
    const result = await train(
      parts({
        settings: {
          ...settings,
          selection: { kind: 'lora', rank: 2, alpha: 4 },
          dropout: { hidden: 0, attention: 0 },
        },
      }),
    );
    expect([...result.weights.keys()].sort()).toEqual([...parts().encoder.weights.keys()].sort());
    const names = changed(result);
    expect(names).toHaveLength(12);
    expect(names.every((name) => /layer\.\d\..*\.weight$/.test(name))).toBe(true);
    expect(result.history.losses.at(-1)!).toBeLessThan(result.history.losses[0]!);
  });

  it('refuses a loss that the lists cannot feed', async () => {
    const bare = lists.map((list) => ({
      ...list,
      documents: list.documents.map(({ id, text, source }) => ({ id, text, source, label: 1 })),
    }));
    await expect(
      train(parts({ lists: bare, settings: { ...settings, loss: parseLossSpec('kl') } })),
    ).rejects.toThrow(/teacher/);
  });

  it('opens nothing for a training that it refuses', async () => {
    const watched = watchRuntime(parts().runtime);
    const refused = [
      { ...settings, batches: { ...settings.batches, batchSize: 1000 } },
      { ...settings, schedule: { ...settings.schedule, floor: 2 } },
    ];
    for (const each of refused) {
      await expect(train(parts({ runtime: watched, settings: each }))).rejects.toThrow(InputError);
    }
    expect(watched.mostOpenSessions).toBe(0);
  });
});
