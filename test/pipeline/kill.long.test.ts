/**
 * `kill -9` of `run` at random moments, resumed by the same command each time: the findings are those of an unbroken
 * run, byte for byte, with
 * the same weights, and no stage that was finished is computed again. Where there are two cores, two trainings run at
 * once, in processes that end with the one that is killed.
 * KILL_TRIALS=20 KILL_SEEDS=3 for more than a
 * sample.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import { runCli } from '../support/cli.ts';
import { startCli } from '../support/processes.ts';
import { findings } from '../support/recipe-job.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';

const TRIALS = Number(process.env.KILL_TRIALS ?? 2);
const SEEDS = Number(process.env.KILL_SEEDS ?? 1);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'studio-run-kill-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  `finds after ${TRIALS} kills what an unbroken run finds, with seed %i`,
  async (seed) => {
    const recipe = join(folder, `recipe-${seed}.json`);
    const document = smallRecipe(recipeCorpus());
    writeFileSync(
      recipe,
      JSON.stringify({
        ...document,
        seeds: [1],
        training: { ...(document.training as object), maxSteps: 30, epochs: 8 },
      }),
    );
    const command = (store: string): string[] => [
      ...['run', recipe, '--store', join(folder, `${store}-${seed}`), '--threads', '1', '--json'],
      // A checkpoint after each step.
      ...['--checkpoint-seconds', '0', '--out', join(folder, `${store}-${seed}-out`)],
    ];
    const unbroken = await runCli(command('unbroken'));
    expect(unbroken.code, unbroken.stderr).toBe(0);
    if (availableParallelism() > 1) expect(unbroken.stderr).toContain('trainings run at once');
    const report = (stdout: string): RecipeReport => JSON.parse(stdout) as RecipeReport;

    const random = new RandomStream(20261121, 'run kills', seed);
    const finished: string[] = [];
    const resumedAt: number[] = [];
    let kills = 0;
    let broken: RecipeReport | undefined;
    while (broken === undefined) {
      const job = startCli(command('broken'));
      if (kills >= TRIALS) {
        expect((await job.ended).code, job.stderr()).toBe(0);
        broken = report(job.stdout());
      } else {
        // At any moment of the next few trainings.
        await job.untilOutput(/stages? to compute/);
        const stages = random.integer(3);
        if (stages > 0) await job.untilOutput(new RegExp(`(training of [^]*?: [\\d.]+ s[^]*?){${stages}}`));
        await sleep(random.uniform() * 400);
        // Its processes hold standard error: it has ended when they have.
        if (kills % 2 === 0) job.signal('SIGKILL');
        const { signal } = await (kills % 2 === 0 ? job.ended : job.kill());
        expect(signal, 'the run ended before it was killed: give it more steps').toBe('SIGKILL');
        kills++;
      }
      const said = job.stderr();
      for (const [, label = ''] of said.matchAll(/^(.+): [\d.]+ s.*; total: /gm)) finished.push(label);
      for (const [, step = '', how] of said.matchAll(/resuming after step (\d+): (.*)$/gm)) {
        expect(how).toBe('bit-exact');
        resumedAt.push(Number(step));
      }
      expect(said).not.toContain('warning');
    }
    expect(findings(broken)).toBe(findings(report(unbroken.stdout)));
    // A stage is said to be finished once it is stored; one that a kill hit in between may be missing here.
    expect(new Set(finished).size).toBe(finished.length);
    const weights = (store: string, arm: string): Buffer =>
      readFileSync(join(folder, `${store}-${seed}-out/models/${arm}/model.safetensors`));
    for (const { name } of broken.arms) {
      expect(weights('broken', name).equals(weights('unbroken', name))).toBe(true);
    }
    if (process.env.KILL_TRIALS !== undefined) console.log(JSON.stringify({ seed, kills, resumedAt }));
  },
  60_000 + TRIALS * 20_000,
);
