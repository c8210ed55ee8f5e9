/**
 * `kill -9` of `train` at random moments, resumed by the same command each time: the final weights, AdamW's moments
 * and the curve are those of an unbroken training, bit for bit. KILL_TRIALS=10 KILL_SEEDS=3 for more than a sample.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoreWriter } from '../../src/host/contract.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { RandomStream } from '../../src/core/random.ts';
import { CheckpointStore } from '../../src/training/checkpoint.ts';
import type { TrainingCheckpoint } from '../../src/training/checkpoint-state.ts';
import { onlyJson, runCli } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';
import { staticGolden } from '../support/static-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const TRIALS = Number(process.env.KILL_TRIALS ?? 3);
const SEEDS = Number(process.env.KILL_SEEDS ?? 1);
const byHand = process.env.KILL_TRIALS !== undefined;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'studio-train-kill-'));
  writeFileSync(join(folder, 'lists.jsonl'), listFile(makeLists(40)));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What trains for some seconds, and how many tensors of it have moments. */
const encoders = {
  'a transformer': {
    model: tinyModel('tiny-bert'),
    settings: ['--dropout', '0.1', '--epochs', byHand ? '80' : '30'],
    moments: 34,
  },
  'a table': { model: join(staticGolden, 'model2vec'), settings: ['--epochs', '40'], moments: 1 },
} as const;
type Encoder = keyof typeof encoders;

/** Nine steps an epoch: neither checkpoints nor evaluations fall on their ends. */
function command(encoder: Encoder, out: string, seed: number): string[] {
  const { model, settings } = encoders[encoder];
  return [
    ...['train', '--model', model, '--lists', join(folder, 'lists.jsonl')],
    ...['--out', join(folder, out), '--seed', String(seed), '--threads', '1', ...settings],
    ...['--batch-size', '4', '--lr', '2e-3', '--negatives', '1'],
    ...['--evaluate-every', '7', '--checkpoint-every', '4', '--json'],
  ];
}

async function lastCheckpoint(out: string): Promise<TrainingCheckpoint | undefined> {
  const experiment = join(folder, `${out}.experiment`);
  // Opening a store where there is none makes one, which is for the training to do.
  if (!existsSync(join(experiment, 'store.json'))) return undefined;
  const store = await FolderStore.open(experiment);
  const reader: StoreWriter = {
    namespace: 'training',
    epoch: 0,
    commit: () => Promise.reject(new Error('only read')),
  };
  const loaded = await new CheckpointStore(reader, store).loadLatest();
  await store.close();
  return loaded?.checkpoint;
}

/** A run's report without what a clock says. */
function reportOf(stdout: string): object {
  return { ...(JSON.parse(stdout) as object), trainingSeconds: 0, speed: {}, model: '', experiment: '' };
}

const trainings = Object.keys(encoders).flatMap((encoder) =>
  Array.from({ length: SEEDS }, (_, seed) => ({ encoder: encoder as Encoder, seed })),
);

it.each(trainings)(
  `gives the bits of an unbroken training of $encoder after ${TRIALS} kills, with seed $seed`,
  async ({ encoder, seed }) => {
    const whole = `unbroken-${encoder}-${seed}`;
    const unbroken = await runCli(command(encoder, whole, seed));
    onlyJson(unbroken);
    const random = new RandomStream(20261121, 'train kills', seed);
    const broken = `broken-${encoder}-${seed}`;
    const kills: { readonly saved: number; readonly resumedAt: number | undefined }[] = [];
    let report: object | undefined;
    while (report === undefined) {
      const training = startCli(command(encoder, broken, seed));
      if (kills.length >= TRIALS) {
        expect((await training.ended).code, training.stderr()).toBe(0);
        report = reportOf(training.stdout());
      } else {
        // Sometimes while it starts, otherwise at any moment after some evaluations.
        if (random.integer(5) === 0) await sleep(random.uniform() * 800);
        else {
          const evaluations = 1 + random.integer(byHand ? 8 : 5);
          await training.untilOutput(new RegExp(`(step \\d+: dev[^]*?){${evaluations}}`));
          await sleep(random.uniform() * 200);
        }
        const { signal } = await training.kill();
        expect(signal, 'the training ended before it was killed: give it more epochs').toBe('SIGKILL');
      }
      const resumed = /resuming after step (\d+): (.*)/.exec(training.stderr());
      if (resumed !== null) expect(resumed[2]).toBe('bit-exact');
      expect(training.stderr()).not.toContain('warning');
      kills.push({
        resumedAt: resumed === null ? undefined : Number(resumed[1]),
        saved: (await lastCheckpoint(broken))?.state.step ?? 0,
      });
    }
    expect(report).toEqual(reportOf(unbroken.stdout));
    const [a, b] = await Promise.all([lastCheckpoint(whole), lastCheckpoint(broken)]);
    expect(b?.weights).toEqual(a?.weights);
    expect(b?.moments).toEqual(a?.moments);
    expect(b?.moments.first.size).toBeGreaterThanOrEqual(encoders[encoder].moments);
    expect(b?.state).toEqual(a?.state);
    const weights = (out: string): Buffer => readFileSync(join(folder, out, 'model.safetensors'));
    expect(weights(broken).equals(weights(whole))).toBe(true);
    // A kill that every time fell before the first step would prove nothing.
    expect(kills.some(({ saved }) => saved > 0)).toBe(true);
    if (byHand)
      console.log(
        JSON.stringify({ encoder, seed, steps: a?.state.step, saved: kills.map(({ saved }) => saved) }),
      );
  },
  60_000 + TRIALS * 20_000,
);
