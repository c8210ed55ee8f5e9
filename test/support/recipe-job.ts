import type { Runtime, Store } from '../../src/host/contract.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openFile, openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { RecipeJob, type RecipeEvent, type RecipeJobParts } from '../../src/pipeline/job.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';

export interface RecipeRun {
  readonly job: RecipeJob;
  readonly report: RecipeReport;
  /** Labels of the stages that were computed, in order; what measures the machine is left out. */
  readonly computed: readonly string[];
  readonly stored: readonly string[];
  /** Steps that were taken, by the label of the training. */
  readonly steps: ReadonlyMap<string, number>;
}

export type RecipeRunOptions = Partial<
  Pick<
    RecipeJobParts,
    | 'clock'
    | 'checkpointSeconds'
    | 'signal'
    | 'onEvent'
    | 'generators'
    | 'retrySeconds'
    | 'mostCorpusBytesInMemory'
    | 'trainers'
    | 'lockStep'
  >
>;

/** Opens a recipe's document as the command line does, on a given runtime and store. */
export function openJob(
  document: unknown,
  runtime: Runtime,
  store: Store,
  options: RecipeRunOptions = {},
): Promise<RecipeJob> {
  return RecipeJob.open({
    recipe: readRecipe(document),
    runtime,
    store,
    models: openModelFiles({ offline: true }),
    files: { openCorpus: ({ folder }) => openTree(folder ?? ''), openFile },
    clock: nodeClock,
    version: 'test',
    ...options,
  });
}

/** Runs a recipe and counts what was done. */
export async function runRecipe(
  document: unknown,
  runtime: Runtime,
  store: Store,
  options: RecipeRunOptions = {},
): Promise<RecipeRun> {
  const computed: string[] = [];
  const stored: string[] = [];
  const steps = new Map<string, number>();
  const onEvent = (event: RecipeEvent): void => {
    const { label, kind } = event.stage;
    if (kind === 'rates') return;
    if (event.kind === 'stage' && event.state === 'finished') computed.push(label);
    if (event.kind === 'stage' && event.state === 'stored') stored.push(label);
    if (event.kind === 'training' && event.event.kind === 'step')
      steps.set(label, (steps.get(label) ?? 0) + 1);
    options.onEvent?.(event);
  };
  const job = await openJob(document, runtime, store, { ...options, onEvent });
  return { job, report: await job.run(), computed, stored, steps };
}

/** What an experiment found, as text: all of a report but what a clock and a path say. */
export function findings({ results, shown, arms, findings: others, tuning, corpus }: RecipeReport): string {
  const learned = arms.map((arm) => ({
    ...arm,
    trainings: arm.trainings.map(({ seed, losses, dev, bestStep, breaks }) => ({
      seed,
      losses,
      dev,
      bestStep,
      breaks,
    })),
  }));
  return JSON.stringify({ results, shown, learned, others, tuning, corpus });
}
