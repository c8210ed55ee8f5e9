import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedder } from '../../../src/encoders/open-embedder.ts';
import { readEncoder } from '../../../src/encoders/read-encoder.ts';
import type { EncoderModel } from '../../../src/encoders/types.ts';
import { nodeClock } from '../../../src/host/node/clock.ts';
import { FolderStore } from '../../../src/host/node/store.ts';
import { noRuntime } from '../../../src/host/no-runtime.ts';
import { parseLossSpec } from '../../../src/losses/loss-spec.ts';
import { CheckpointStore } from '../../../src/training/checkpoint.ts';
import { TrainingForces } from '../../../src/training/forces/forces.ts';
import { decodeForces, encodeForces, sortedForces } from '../../../src/training/forces/record.ts';
import { ForceRecorder } from '../../../src/training/forces/recorder.ts';
import { ListObjective } from '../../../src/training/list-objective.ts';
import { learningRateShare, scheduleFor } from '../../../src/training/schedules.ts';
import { train, type TrainerParts } from '../../../src/training/trainer.ts';
import { staticTraining } from '../../support/small-training.ts';
import { staticFolder } from '../../support/static-folder.ts';
import { makeLists } from '../../support/training-lists.ts';

/** A block of given forces on the passages 0, 1, … of a batch. */
function noteRows(
  recorder: ForceRecorder,
  forces: readonly (readonly number[])[],
  ids?: readonly string[],
): void {
  const columns = forces[0]!.length;
  const passages = ids ?? Array.from({ length: columns }, (_, i) => `p${i}`);
  const queries = forces.map((_, i) => `q${i}`);
  recorder.begin({ queries, passages, sources: passages.map(() => 'any') });
  recorder.note({
    ...{ from: 0, rows: forces.length, columns, passage: (_list, column) => column },
    gradient: Float64Array.from(forces.flat(), (force) => -force / forces.length),
  });
}

describe('the record of push and pull', () => {
  it('keeps the strongest of a list, leaves out the faint, and adds up what stands in several columns', () => {
    const recorder = new ForceRecorder({ strongest: 2 });
    noteRows(recorder, [[1, -3, -2, -2, 0.001]], ['own', 'a', 'b', 'b', 'c']);
    recorder.commit(0.5);
    const forces = new TrainingForces(recorder.snapshot());
    expect(forces.ofList('q0').map(({ passage, push, pull }) => [passage, push, pull])).toEqual([
      ['b', 2, 0],
      ['a', 1.5, 0],
    ]);
    // What is not kept counts in the sums of its source.
    expect(forces.facts.sources).toEqual([{ source: 'any', push: 3.5, pull: 0.5 }]);
  });

  it('does not count a batch whose step was not taken', () => {
    const recorder = new ForceRecorder();
    noteRows(recorder, [[5, -5]]);
    noteRows(recorder, [[1, -1]]);
    recorder.commit(1);
    expect(new TrainingForces(recorder.snapshot()).ofPassage('p1')).toEqual([
      { query: 'q0', passage: 'p1', push: 1, pull: 0, times: 1 },
    ]);
  });

  it('drops the weaker half where there is no room, the later of equals, and says how many', () => {
    const recorder = new ForceRecorder({ mostPairs: 4 });
    noteRows(recorder, [[1, -2, -1, -1]]);
    recorder.commit(1);
    noteRows(recorder, [[-3]], ['new']);
    recorder.commit(1);
    const { query, passage, passages, droppedPairs } = recorder.snapshot();
    expect(query).toHaveLength(3);
    expect([...passage].map((place) => passages[place])).toEqual(['p1', 'p0', 'new']);
    expect(droppedPairs).toBe(2);
  });

  it('is the same from its bytes, and goes on from them to the same bits', () => {
    const rows = (step: number): number[][] =>
      Array.from({ length: 3 }, (_, list) =>
        Array.from({ length: 6 }, (__, i) => Math.sin(7 * step + 3 * list + i)),
      );
    const whole = new ForceRecorder({ mostPairs: 12, strongest: 4 });
    let parted = new ForceRecorder({ mostPairs: 12, strongest: 4 });
    for (let step = 0; step < 8; step++) {
      for (const recorder of [whole, parted]) {
        noteRows(recorder, rows(step));
        recorder.commit(1 / (1 + step));
      }
      const resumed = new ForceRecorder({ mostPairs: 12, strongest: 4 });
      resumed.restore(decodeForces(encodeForces(parted.snapshot())), step + 1);
      parted = resumed;
    }
    expect(whole.snapshot().droppedPairs).toBeGreaterThan(0);
    expect(parted.snapshot()).toEqual(whole.snapshot());
    const sorted = sortedForces(whole.snapshot());
    expect(sorted.queries).toEqual([...sorted.queries].sort());
    const keys = [...sorted.query].map((query, i) => query * 100 + sorted.passage[i]!);
    expect(keys).toEqual([...keys].sort((a, b) => a - b));
  });

  it('begins where a checkpoint of an earlier version has none', () => {
    const recorder = new ForceRecorder();
    recorder.restore(undefined, 7);
    noteRows(recorder, [[1, -1]]);
    recorder.commit(1);
    expect(recorder.snapshot()).toMatchObject({ from: 7, to: 8 });
  });
});

describe('a training', () => {
  let folder: string;
  let encoder: EncoderModel;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'studio-forces-'));
    encoder = await readEncoder(staticFolder('model2vec'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const settings = {
    ...staticTraining,
    batches: { ...staticTraining.batches, negatives: 2 },
  };
  const lists = makeLists(24);
  const parts = (changes: Partial<TrainerParts> = {}): TrainerParts => ({
    ...{ runtime: noRuntime, encoder, lists, settings, clock: nodeClock, version: 'test' },
    ...changes,
  });

  it('records what the scores of all its lists ask for, of every passage of the batch', async () => {
    const { forces } = await train(
      parts({ settings: { ...settings, maxSteps: 1, schedule: { kind: 'constant', warmup: { share: 0 } } } }),
    );
    // Naively: the softmax over the scores of the first batch, less the positive.
    const batch = new ListObjective(lists, settings, false);
    const recorded = new TrainingForces(forces!);
    expect(recorded.facts).toMatchObject({ from: 0, to: 1, droppedPairs: 0 });
    const { queries, passages } = batch.batch(0, 0);
    const embedded = async (texts: readonly string[], side: 'query' | 'passage'): Promise<number[][]> => {
      const embedder = await openEmbedder(noRuntime, encoder);
      const vectors = await embedder.embed(texts, side);
      const width = embedder.dimensions;
      return texts.map((_, i) => {
        const vector = [...vectors.subarray(i * width, (i + 1) * width)];
        return vector.map((value) => value / Math.hypot(...vector));
      });
    };
    const [q, p] = [await embedded(queries, 'query'), await embedded(passages, 'passage')];
    const idOf = new Map(lists.flatMap(({ documents }) => documents.map(({ id, text }) => [text, id])));
    queries.forEach((text, list) => {
      const scores = p.map(
        (vector) => vector.reduce((sum, value, x) => sum + value * q[list]![x]!, 0) / 0.05,
      );
      const weights = scores.map((score) => Math.exp(score - Math.max(...scores)));
      const total = weights.reduce((a, b) => a + b, 0);
      const naive = weights.map((weight, i) => ((i === 3 * list ? 1 : 0) - weight / total) / 0.05);
      const query = lists.find((each) => each.query === text)!.query_id;
      const found = new Map(recorded.ofList(query).map(({ passage, push, pull }) => [passage, pull - push]));
      const strongest = Math.max(...naive.map(Math.abs));
      expect(found.size).toBe(naive.filter((force) => Math.abs(force) >= 0.01 * strongest).length);
      naive.forEach((force, i) => {
        if (Math.abs(force) < 0.01 * strongest) return;
        expect(found.get(idOf.get(passages[i]!)!)).toBeCloseTo(force, 3);
      });
    });
  });

  it('weights each step by its share of the learning rate', async () => {
    const steps = 6;
    const schedule = { kind: 'linear', warmup: { share: 0 } } as const;
    const { forces } = await train(parts({ settings: { ...settings, maxSteps: steps, schedule } }));
    const plan = scheduleFor(schedule, steps);
    const shares = Array.from({ length: steps }, (_, step) => learningRateShare(plan, step));
    const { sources } = forces!;
    const all = sources.reduce((sum, { push, pull }) => sum + push + pull, 0);
    // Each list has at most 2/τ of force in a step.
    expect(all).toBeLessThan((2 / 0.05) * 4 * shares.reduce((a, b) => a + b, 0));
    expect(all).toBeGreaterThan(0);
    expect(sources.map(({ source }) => source).sort()).toEqual(['bm25', 'gold']);
  });

  it.each(['infonce', 'kl + 0.1*infonce(scope=in-batch)'])(
    'that was ended and resumed has the record of an unbroken one under %s',
    async (loss) => {
      const changed = { ...settings, loss: parseLossSpec(loss) };
      const open = async (name: string): Promise<CheckpointStore> => {
        const store = await FolderStore.open(join(folder, `${name} ${loss.length}`));
        return new CheckpointStore(await store.openWriter('training'), store);
      };
      const unbroken = await train(parts({ settings: changed }));
      let result = unbroken;
      for (const stop of [5, 11, Infinity]) {
        const ending = new AbortController();
        result = await train(
          parts({
            settings: changed,
            checkpoints: await open('broken'),
            signal: ending.signal,
            onEvent: (event) => {
              if (event.kind === 'step' && event.step >= stop) ending.abort();
            },
          }),
        );
      }
      expect(result.breaks).toEqual([]);
      expect(result.forces!.query.length).toBeGreaterThan(20);
      expect(result.forces).toEqual(unbroken.forces);
    },
  );

  it('has the record of the steps that led to the best weights', async () => {
    const evaluate = (_embedder: unknown, step: number): Promise<Record<string, number>> =>
      Promise.resolve({ score: -Math.abs(step - 8) });
    const store = await FolderStore.open(join(folder, 'best'));
    const checkpoints = new CheckpointStore(await store.openWriter('training'), store);
    for (const changes of [{ evaluate }, { evaluate, checkpoints }]) {
      const { bestStep, steps, forces } = await train(parts(changes));
      expect(bestStep).toBe(8);
      expect(steps).toBeGreaterThan(8);
      expect(forces!.to).toBe(8);
    }
  });
});
