import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreCorruptionError, StoreFencedError } from '../../src/host/contract.ts';
import { ResourceError } from '../../src/core/errors.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import {
  encodeShard,
  planShards,
  SHARD_BYTES,
  TensorAssembly,
} from '../../src/training/checkpoint-format.ts';
import {
  resumeReport,
  type TrainingCheckpoint,
  type TrainingState,
} from '../../src/training/checkpoint-state.ts';
import { CheckpointStore } from '../../src/training/checkpoint.ts';
import { Killed, SimulatedDisk, type SimulatedProcess } from '../support/simulated-disk.ts';

function state(step: number, changes: Partial<TrainingState> = {}): TrainingState {
  return {
    step,
    epoch: 1,
    seed: 42,
    optimizerStep: step,
    recipeHash: 'c0ffee',
    plan: { microBatch: 16, buckets: [32, 64, 128] },
    earlyStopping: { best: 0.71, evaluationsWithoutGain: 1 },
    history: [{ step: 1, loss: 0.1 + 0.2 }],
    fingerprint: { runtime: 'onnxruntime-node 1.30.0', device: 'cpu', threads: '2' },
    breaks: [],
    ...changes,
  };
}

/** Values that only exact copies keep: subnormal, negative zero, the largest, NaN with a payload. */
const ODD = new Float32Array(Uint32Array.of(1, 0x80000000, 0x7f7fffff, 0x7fc01234).buffer);

/** A model with frozen embeddings, a cut tensor, and moments of two trained tensors. */
function checkpoint(step: number, elements = 300): TrainingCheckpoint {
  const fill = (offset: number, length: number) =>
    Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(offset + i)));
  return {
    state: state(step),
    weights: new Map([
      ['embeddings.word_embeddings.weight', { dims: [elements / 3, 3], data: fill(7, elements) }],
      ['encoder.dense.weight', { dims: [2, 2], data: ODD.slice() }],
      ['encoder.dense.bias', { dims: [2], data: fill(step, 2) }],
    ]),
    moments: {
      first: new Map([
        ['encoder.dense.weight', fill(step * 3, 4)],
        ['encoder.dense.bias', fill(step * 5, 2)],
      ]),
      second: new Map([
        ['encoder.dense.weight', fill(step * 7, 4)],
        ['encoder.dense.bias', fill(step * 11, 2)],
      ]),
    },
  };
}

/** Bits (hashed), since NaN differs from itself and -0 equals 0. */
function bits({ state, weights, moments }: TrainingCheckpoint): Record<string, string> {
  const all: Record<string, string> = { state: JSON.stringify(state) };
  const add = (name: string, data: Float32Array) => {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    all[name] = raw.length > 100 ? createHash('sha256').update(raw).digest('hex') : raw.join();
  };
  for (const [name, { dims, data }] of weights) add(`${name} ${dims.join('x')}`, data);
  for (const [name, data] of moments.first) add(`first ${name}`, data);
  for (const [name, data] of moments.second) add(`second ${name}`, data);
  return all;
}

describe('the format', () => {
  it('cuts what is larger than a shard, keeps frozen weights by themselves and gives back every bit', () => {
    const original = checkpoint(1, 6_000_000);
    const plan = planShards(original);
    expect(plan.map((shard) => shard.map(({ role, name, start }) => `${role} ${name} ${start}`))).toEqual([
      ['weight embeddings.word_embeddings.weight 0'],
      ['weight embeddings.word_embeddings.weight 2000000'],
      ['weight embeddings.word_embeddings.weight 4000000'],
      ['weight encoder.dense.bias 0', 'weight encoder.dense.weight 0'],
      ['first encoder.dense.bias 0', 'first encoder.dense.weight 0'],
      ['second encoder.dense.bias 0', 'second encoder.dense.weight 0'],
    ]);
    const assembly = new TensorAssembly();
    for (const shard of plan) {
      const bytes = encodeShard(shard, original);
      expect(bytes.length).toBeLessThan(SHARD_BYTES + 10_000);
      assembly.add(shard, bytes, 'shard');
    }
    expect(bits({ state: original.state, ...assembly.finish() })).toEqual(bits(original));
  });

  it('fills shards without cutting small tensors', () => {
    const weights = new Map(
      [900_000, 900_000, 900_000, 1_999_999, 2_000_000, 0, 1].map((size, i) => [
        `w${i}`,
        { dims: [size], data: new Float32Array(size) },
      ]),
    );
    const plan = planShards({ weights, moments: { first: new Map(), second: new Map() } });
    expect(plan.map((shard) => shard.map(({ name }) => name))).toEqual([
      ['w0', 'w1'],
      ['w2'],
      ['w3'],
      ['w4', 'w5'],
      ['w6'],
    ]);
  });

  it('reads views into larger buffers as they are', () => {
    const vector = Float32Array.from({ length: 10 }, (_, i) => i);
    const view = vector.subarray(3, 7);
    const original = {
      weights: new Map([['w', { dims: [4], data: view }]]),
      moments: { first: new Map(), second: new Map() },
    };
    const assembly = new TensorAssembly();
    for (const plan of planShards(original)) assembly.add(plan, encodeShard(plan, original), 'shard');
    expect([...assembly.finish().weights.get('w')!.data]).toEqual([3, 4, 5, 6]);
  });

  it('refuses a tensor that does not fill its shape, and moments that do not pair', () => {
    const broken = { ...checkpoint(1), weights: new Map([['w', { dims: [5], data: new Float32Array(4) }]]) };
    expect(() => encodeShard(planShards(broken)[0]!, broken)).toThrow(
      /"w" has 4 elements, its shape is \[5\]/,
    );
    const { first, second } = checkpoint(1).moments;
    const half = new Map([...second].filter(([name]) => !name.endsWith('bias')));
    const unpaired = { ...checkpoint(1), moments: { first, second: half } };
    const plans = planShards({ ...checkpoint(1), moments: { first, second } });
    const assembly = new TensorAssembly();
    for (const plan of plans) {
      const kept = plan.filter(({ role, name }) => role !== 'second' || half.has(name));
      assembly.add(kept, encodeShard(kept, unpaired), 'shard');
    }
    expect(() => assembly.finish()).toThrow(/"encoder.dense.bias" do not match/);
  });
});

describe('resumeReport', () => {
  const saved = state(120);

  it('says bit-exact when nothing differs, whatever the order of members', () => {
    const current = { ...saved, plan: { buckets: [32, 64, 128], microBatch: 16 } };
    expect(resumeReport(saved, current)).toEqual({ bitExact: true, message: 'bit-exact', breaks: [] });
  });

  it('names each difference', () => {
    const report = resumeReport(saved, {
      recipeHash: 'other',
      plan: { ...saved.plan, microBatch: 8 },
      fingerprint: { ...saved.fingerprint, threads: '4', processor: 'Xeon' },
    });
    expect(report.bitExact).toBe(false);
    expect(report.message).toBe(
      'not bit-exact from step 120 because the configuration was changed, processor was unknown and is Xeon, ' +
        'threads was 2 and is 4, microBatch was 16 and is 8',
    );
    expect(report.breaks).toEqual([report.message]);
  });

  it('remembers what broke it earlier', () => {
    const earlier = 'not bit-exact from step 50 because threads was 1 and is 2';
    const report = resumeReport(state(120, { breaks: [earlier] }), saved);
    expect(report).toEqual({ bitExact: false, message: earlier, breaks: [earlier] });
  });
});

describe('CheckpointStore', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'checkpoints-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function open(): Promise<CheckpointStore> {
    const store = await FolderStore.open(join(folder, 'store'));
    return new CheckpointStore(await store.openWriter('experiment'), store);
  }

  const blobs = () =>
    readdirSync(join(folder, 'store/blobs'), { recursive: true })
      .map(String)
      .filter((name) => name.length > 60)
      .map((name) => join(folder, 'store/blobs', name));

  it('has nothing at first', async () => {
    const checkpoints = await open();
    expect(await checkpoints.loadLatest()).toBeUndefined();
    expect(await checkpoints.loadBest()).toBeUndefined();
    expect(await checkpoints.list()).toEqual([]);
  });

  it('keeps the last two and the best, and frozen weights once', async () => {
    const checkpoints = await open();
    for (let step = 10; step <= 60; step += 10)
      await checkpoints.save(checkpoint(step), { best: step === 20 });
    const again = await open();
    expect((await again.list()).map(({ step, latest, best }) => [step, latest, best])).toEqual([
      [60, true, false],
      [50, true, false],
      [20, false, true],
    ]);
    expect(bits((await again.loadLatest())!.checkpoint)).toEqual(bits(checkpoint(60)));
    expect((await again.loadLatest())!.problems).toEqual([]);
    expect(bits((await again.loadBest())!.checkpoint)).toEqual(bits(checkpoint(20)));
    // One frozen shard, and three others each of 60, 50, 20, and of 40, which the commit before the last still names.
    expect(blobs()).toHaveLength(1 + 3 * 4);
  });

  it('moves the best', async () => {
    const checkpoints = await open();
    await checkpoints.save(checkpoint(1), { best: true });
    for (let step = 2; step <= 5; step++) await checkpoints.save(checkpoint(step), { best: step === 3 });
    expect((await checkpoints.list()).map(({ step }) => step)).toEqual([5, 4, 3]);
  });

  it('goes back to the checkpoint before a damaged one, says so, and then keeps two good ones', async () => {
    const checkpoints = await open();
    for (const step of [1, 2, 3]) await checkpoints.save(checkpoint(step));
    const own = await damage(3);
    const again = await open();
    const loaded = await again.loadLatest();
    expect(bits(loaded!.checkpoint)).toEqual(bits(checkpoint(2)));
    expect(loaded!.problems).toEqual([expect.stringMatching(/^checkpoint 3 cannot be read: .*is damaged/)]);
    expect(loaded!.problems[0]).toContain(own);
    // The training comes by the same step again.
    await again.save(checkpoint(3));
    expect((await again.list()).map(({ step }) => step)).toEqual([3, 2]);
    const healed = await (await open()).loadLatest();
    expect(healed!.problems).toEqual([]);
    expect(bits(healed!.checkpoint)).toEqual(bits(checkpoint(3)));
  });

  it('falls back to the best, and throws when nothing is left', async () => {
    const checkpoints = await open();
    await checkpoints.save(checkpoint(1), { best: true });
    for (const step of [2, 3]) await checkpoints.save(checkpoint(step));
    await damage(3);
    await damage(2);
    const loaded = await (await open()).loadLatest();
    expect(bits(loaded!.checkpoint)).toEqual(bits(checkpoint(1)));
    expect(loaded!.problems).toHaveLength(2);
    for (const blob of blobs()) writeFileSync(blob, '');
    await expect((await open()).loadLatest()).rejects.toThrow(StoreCorruptionError);
    await expect((await open()).loadBest()).rejects.toThrow(/No checkpoint of "experiment" can be read/);
  });

  /** Flips a bit in the file that holds the first moments of a step. */
  async function damage(step: number): Promise<string> {
    const plan = planShards(checkpoint(step)).find((shard) => shard[0]?.role === 'first');
    const content = Buffer.from(encodeShard(plan!, checkpoint(step)));
    const own = blobs().find((path) => readFileSync(path).equals(content));
    content[content.length - 1]! ^= 1;
    writeFileSync(own!, content);
    return Promise.resolve(own!);
  }

  it('refuses to save once another process has taken the training over', async () => {
    const old = await open();
    await old.save(checkpoint(1));
    const current = await open();
    await expect(old.save(checkpoint(2))).rejects.toThrow(StoreFencedError);
    await current.save(checkpoint(3));
    expect((await current.list()).map(({ step }) => step)).toEqual([3, 1]);
  });

  it('refuses state that JSON cannot keep', async () => {
    const checkpoints = await open();
    const save = checkpoints.save({ ...checkpoint(1), state: state(1, { history: [{ loss: NaN }] }) });
    await expect(save).rejects.toThrow(/history\[0\]\.loss is NaN/);
    expect(await checkpoints.loadLatest()).toBeUndefined();
  });
});

describe('a training that stops at any operation of the disk', () => {
  const STEPS = 4;

  async function train(process: SimulatedProcess, saved: number[]): Promise<void> {
    const store = await FolderStore.open('/store', { disk: process, report: () => undefined });
    const checkpoints = new CheckpointStore(await store.openWriter('experiment'), store);
    const start = (await checkpoints.loadLatest())?.checkpoint.state.step ?? 0;
    for (let step = start + 1; step <= STEPS; step++) {
      await checkpoints.save(checkpoint(step, 30), { best: step === 2 });
      saved.push(step);
    }
  }

  it.each(['kill', 'power failure', 'full disk'] as const)(
    'by %s resumes from its last save',
    async (fault) => {
      const trial = new SimulatedDisk().start();
      await train(trial, []);
      for (let n = 1; n <= trial.operations; n++) {
        const disk = new SimulatedDisk();
        const process = disk.start();
        process.faultAt(n, fault === 'full disk' ? { kind: 'full' } : { kind: 'kill', when: 'after' });
        const saved: number[] = [];
        const error: unknown = await train(process, saved).catch((thrown: unknown) => thrown);
        if (fault === 'full disk' && error !== undefined) expect(error).toBeInstanceOf(ResourceError);
        if (fault === 'kill' && error !== undefined) expect(error).toBeInstanceOf(Killed);
        process.kill();
        if (fault === 'power failure') disk.powerFailure(() => false);

        const store = await FolderStore.open('/store', { disk: disk.start() });
        const checkpoints = new CheckpointStore(await store.openWriter('experiment'), store);
        const loaded = await checkpoints.loadLatest();
        const last = saved.at(-1) ?? 0;
        const step = loaded?.checkpoint.state.step ?? 0;
        // The save under way may have come through.
        expect([n, last <= step && step <= last + 1, loaded?.problems ?? []]).toEqual([n, true, []]);
        if (loaded) expect(bits(loaded.checkpoint)).toEqual(bits(checkpoint(step, 30)));
        if (last >= 2) expect((await checkpoints.loadBest())?.checkpoint.state.step).toBe(2);
        await train(disk.start(), saved);
        expect((await checkpoints.loadLatest())?.checkpoint.state.step).toBe(STEPS);
      }
    },
  );
});
