/** `kill -9` of a real process that saves checkpoints, at random moments: KILL_TRIALS=1000 for more than a sample. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { FolderStore } from '../../../src/host/node/store.ts';
import { RandomStream } from '../../../src/core/random.ts';
import { CheckpointStore } from '../../../src/training/checkpoint.ts';
import { ensureBuilt } from '../../support/build.ts';
import { killAtRandomMoment, startProgram } from '../../support/processes.ts';
import { checkpointOf } from './endless-training-state.mjs';

const TRIALS = Number(process.env.KILL_TRIALS ?? 10);
const ELEMENTS = 20_000;
const PROGRAM = fileURLToPath(new URL('endless-training.mjs', import.meta.url));

beforeAll(ensureBuilt);

it(
  `survives ${TRIALS} kills at random moments`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kill-'));
    const random = new RandomStream(20261121, 'kills');
    const problems: string[] = [];
    let acknowledged = 0;
    let unacknowledged = 0;
    let leftovers = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      const training = startProgram(PROGRAM, [folder, String(ELEMENTS)]);
      // Now and then it dies while it opens the store.
      if (trial % 5 > 0) await training.untilOutput(/\d\n/);
      expect(await killAtRandomMoment(training, trial % 5 > 0 ? 150 : 500, random)).toBe(true);
      expect(training.stderr()).toBe('');
      const last = Number(training.stdout().trim().split('\n').at(-1));
      acknowledged = Math.max(acknowledged, last);
      leftovers += sessionFiles(folder);

      const store = await FolderStore.open(folder, { report: (problem) => problems.push(problem) });
      const checkpoints = new CheckpointStore(await store.openWriter('experiment'), store);
      const loaded = await checkpoints.loadLatest();
      const step = loaded?.checkpoint.state.step ?? 0;
      expect([acknowledged, acknowledged + 1]).toContain(step);
      if (step > acknowledged) unacknowledged++;
      acknowledged = step;
      if (loaded) {
        expect(loaded.problems).toEqual([]);
        const expected = checkpointOf(step, ELEMENTS);
        expect(
          equal(loaded.checkpoint.weights.get('frozen')?.data, expected.weights.get('frozen')?.data),
        ).toBe(true);
        expect(
          equal(loaded.checkpoint.weights.get('trained')?.data, expected.weights.get('trained')?.data),
        ).toBe(true);
        expect(
          equal(loaded.checkpoint.moments.second.get('trained'), expected.moments.second.get('trained')),
        ).toBe(true);
      }
      await store.close();
      expect(sessionFiles(folder)).toBe(0);
    }
    expect(problems).toEqual([]);
    expect(acknowledged).toBeGreaterThan(TRIALS);
    if (process.env.KILL_TRIALS) {
      console.log({
        kills: TRIALS,
        saves: acknowledged,
        cameThroughUnacknowledged: unacknowledged,
        leftovers,
      });
    }
    rmSync(folder, { recursive: true });
  },
  60_000 + TRIALS * 3000,
);

function sessionFiles(folder: string): number {
  try {
    return readdirSync(join(folder, 'sessions'), { recursive: true }).length;
  } catch {
    return 0;
  }
}

function equal(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  return a !== undefined && b?.length === a.length && a.every((value, i) => value === b[i]);
}
