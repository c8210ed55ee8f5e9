import { describe, expect, it } from 'vitest';
import { OutOfMemoryError } from '../../src/core/errors.ts';
import { train, type TrainerParts, type TrainingEvent } from '../../src/training/trainer.ts';
import { standInForGpu } from '../support/gpu-stand-in.ts';
import { smallTraining, smallTrainings } from '../support/small-training.ts';
import { makeLists } from '../support/training-lists.ts';

const settings = {
  ...smallTraining,
  epochs: 1,
  tokensPerMicroBatch: 'auto',
  dropout: { hidden: 0, attention: 0 },
  checkpointEvery: 2,
} as const;

describe('a training on a GPU', () => {
  const { parts, openCheckpoints } = smallTrainings(makeLists(24), settings);
  const full = new OutOfMemoryError('the memory is full', { remedy: 'Use a smaller micro-batch' });
  const runtime = (): TrainerParts['runtime'] => parts().runtime;

  /** The tokens of the micro-batches that ran backward, each once. */
  async function trainWatched(
    changes: Partial<TrainerParts>,
    mostTokens = Infinity,
  ): Promise<{
    result: Awaited<ReturnType<typeof train>>;
    tokens: readonly number[];
    events: readonly TrainingEvent[];
  }> {
    const tokens = new Set<number>();
    const events: TrainingEvent[] = [];
    const gpu = standInForGpu(runtime(), {
      beforeRun: (session) => {
        const [, rows, length] = /^backward pass of (\d+) × (\d+) tokens$/.exec(session) ?? [];
        if (rows === undefined) return;
        const count = Number(rows) * Number(length);
        if (count > mostTokens) throw full;
        tokens.add(count);
      },
    });
    const result = await train(parts({ runtime: gpu, onEvent: (event) => events.push(event), ...changes }));
    return { result, tokens: [...tokens].sort((a, b) => a - b), events };
  }

  it('goes on with half as much at a time when memory runs out, to nearly the same losses, and says so', async () => {
    const usual = await trainWatched({});
    const largest = usual.tokens.at(-1) ?? 0;
    const poor = await trainWatched({}, largest / 2);
    expect(poor.tokens.at(-1)).toBeLessThanOrEqual(largest / 2);
    expect(poor.result.steps).toBe(usual.result.steps);
    poor.result.history.losses.forEach((loss, i) => {
      expect(Math.abs(loss / (usual.result.history.losses[i] ?? 0) - 1)).toBeLessThan(1e-4);
    });
    expect(usual.result.breaks).toEqual([]);
    expect(poor.result.breaks.join()).toMatch(
      /^not bit-exact from step 0 because memory ran out: tokensPerMicroBatch was 4096 and is 2048/,
    );
    expect(poor.events.find(({ kind }) => kind === 'smaller micro-batch')).toMatchObject({
      step: 0,
      tokens: 2048,
      message: 'memory ran out: tokensPerMicroBatch was 4096 and is 2048',
    });
  });

  it('stops where one sequence at a time is too much', async () => {
    await expect(trainWatched({}, 0)).rejects.toBe(full);
  });

  it.each(['auto', 4096] as const)(
    'resumes with the micro-batch that was left to it (asked for: %s)',
    async (tokens) => {
      const asked = { ...settings, tokensPerMicroBatch: tokens };
      const experiment = `poor-${tokens}`;
      const ending = new AbortController();
      const first = await trainWatched(
        {
          settings: asked,
          checkpoints: await openCheckpoints(experiment),
          signal: ending.signal,
          onEvent: ({ kind }) => kind === 'step' && ending.abort(),
        },
        128,
      );
      const { state } = (await (await openCheckpoints(experiment)).loadLatest())!.checkpoint;
      const kept = state.plan.tokensPerMicroBatch as number;
      expect(kept).toBeLessThan(4096);
      const resumed = await trainWatched({ settings: asked, checkpoints: await openCheckpoints(experiment) });
      expect(resumed.tokens.at(-1)).toBeLessThanOrEqual(kept);
      expect(resumed.result.breaks).toEqual(first.result.breaks);
      const after = (await (await openCheckpoints(experiment)).loadLatest())!.checkpoint.state;
      expect(after.plan).toEqual(state.plan);
    },
  );

  it('opens a checkpoint of before devices chose by themselves, and keeps to its micro-batch', async () => {
    const signal = AbortSignal.abort();
    const checkpoints = await openCheckpoints('early');
    const { result } = await trainWatched({
      settings: { ...settings, tokensPerMicroBatch: 512 },
      checkpoints,
      signal,
    });
    expect(result.steps).toBe(0);
    const { checkpoint } = (await checkpoints.loadLatest())!;
    const { launchTokens, ...plan } = checkpoint.state.plan;
    expect(launchTokens).toBeGreaterThan(0);
    await checkpoints.save({ ...checkpoint, state: { ...checkpoint.state, plan } });
    const resumed = await trainWatched({ checkpoints: await openCheckpoints('early') });
    expect(resumed.result.breaks).toEqual([]);
    const { state } = (await (await openCheckpoints('early')).loadLatest())!.checkpoint;
    expect(state.plan).toEqual(plan);
  });

  it('chooses anew where a checkpoint comes from another device', async () => {
    const signal = AbortSignal.abort();
    await train(parts({ checkpoints: await openCheckpoints('moved'), signal }));
    const { result } = await trainWatched({ checkpoints: await openCheckpoints('moved') });
    expect(result.breaks.join()).toContain('tokensPerMicroBatch was 512 and is 4096');
  });
});
