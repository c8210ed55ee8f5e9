import { join } from 'node:path';
import type { Command } from 'commander';
import { StoreFencedError } from '../../host/contract.ts';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { nodeClock } from '../../host/node/clock.ts';
import { openTrainers } from '../../host/node/workers.ts';
import type { RecipeJob, RecipeJobParts } from '../../pipeline/job.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import type { Recipe } from '../../pipeline/schema.ts';
import { checkOutputFolder, writeModelFolder } from '../experiment.ts';
import { nodeGenerators, parseKeyVariables } from '../generators.ts';
import { openModelFiles, openStore } from '../input-files.ts';
import { Interruption } from '../interruption.ts';
import type { CliIo } from '../io.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { addComputeOptions, integerOption, numberOption, type ComputeOptions } from '../options.ts';
import { printTables, textTable } from '../text-table.ts';
import { packageVersion } from '../version.ts';

interface RunOptions extends ComputeOptions {
  readonly store: string;
  readonly set: readonly string[];
  readonly out?: string;
  readonly plan?: boolean;
  readonly budget?: string;
  readonly seeds?: number;
  readonly checkpointSeconds: number;
  readonly force?: boolean;
  readonly keyEnv: readonly string[];
}

export function registerRun(program: Command, io: CliIo): void {
  const command = program
    .command('run')
    .description(
      'Run a recipe: mine, score, filter, train every arm with every seed, evaluate and report. Stages are cached, and ' +
        'an interrupted experiment resumes when the command is re-run. Trainings run side by side on the CPU if --threads ' +
        'leaves cores for more than one.',
    )
    .argument('<recipe>', 'Recipe file, or the name of a built-in recipe')
    .option('--store <dir>', 'Folder that caches the results of all stages', './.retriever-studio')
    .option(
      '--set <path=value>',
      'Override a value of the recipe, e.g. training.learningRate=1e-4 or arms[0].loss=kl; may be repeated',
      (value: string, earlier: readonly string[]) => [...earlier, value],
      [] as readonly string[],
    )
    .option(
      '--out <dir>',
      'Output folder for report.md, report.json, plot.svg and the trained models (models/ARM)',
    )
    .option(
      '--budget <budget>',
      'Limit the steps of every training so that the experiment takes about this long: 90s, 5min, 2h; a number of ' +
        'steps: 500steps; or full. If there are more judged pairs than fit, pairs are drawn evenly over queries',
    )
    .option('--plan', 'Print the planned stages with time estimates, and exit')
    .option('--seeds <n>', 'Train each arm with seeds 1 to n', integerOption('--seeds', { min: 1, max: 100 }))
    .option(
      '--checkpoint-seconds <s>',
      'Approximate seconds of training lost if the process is killed',
      numberOption('--checkpoint-seconds', settingRanges.checkpointSeconds),
      30,
    )
    .option(
      '--key-env <[generator=]variable>',
      "Environment variable that holds a server's API key, for one generator of the recipe or for all; may be repeated",
      (value: string, earlier: readonly string[]) => [...earlier, value],
      [] as readonly string[],
    )
    .option('--force', 'Replace an output folder even if it contains other files');
  addComputeOptions(command).action((recipe: string, options: RunOptions, self: Command) =>
    runRecipe(recipe, { options, seedIsGiven: self.getOptionValueSource('seed') === 'cli' }, io),
  );
}

async function runRecipe(
  name: string,
  { options, seedIsGiven }: { readonly options: RunOptions; readonly seedIsGiven: boolean },
  io: CliIo,
): Promise<void> {
  const { openRecipe, recipeFiles } = await import('../recipe-files.ts');
  const { readRecipe } = await import('../../pipeline/read-recipe.ts');
  const { withOverrides } = await import('../../pipeline/overrides.ts');
  const { document, file } = await openRecipe(name);
  const { parseBudget, trainingWithin } = await import('../../pipeline/budget.ts');
  const budget = options.budget === undefined ? undefined : parseBudget(options.budget);
  const overrides = [...seedOverrides(options, seedIsGiven), ...options.set];
  const readWith = (more: readonly string[]): Recipe =>
    readRecipe(withOverrides(document, [...overrides, ...more]), file);
  const recipe = readWith([]);
  const keys = parseKeyVariables(options.keyEnv);
  if (options.out !== undefined) await checkOutput(options.out, recipe, options.force === true);

  const { RecipeJob } = await import('../../pipeline/job.ts');
  const { RecipeStoppedError } = await import('../../pipeline/stage.ts');
  const { openRuntime } = await import('../../host/node/runtime.ts');
  const { openTransformersJs } = await import('../transformers-js.ts');
  const { planLines, RecipeView } = await import('../recipe-view.ts');
  const { device, threads } = options;
  const runtime = await openRuntime({ device, ...(threads === undefined ? {} : { threads }) });
  const store = await openStore(options.store, io);
  const modelFiles = openModelFiles();
  const interruption = new Interruption(io);
  const view = new RecipeView(io);
  try {
    const parts: Omit<RecipeJobParts, 'recipe'> = {
      runtime,
      store,
      models: modelFiles,
      library: openTransformersJs(modelFiles),
      files: recipeFiles,
      generators: nodeGenerators(keys),
      clock: nodeClock,
      version: packageVersion(),
      trainers: openTrainers({ store: store.folder, threads: runtime.threads }),
      signal: interruption.signal,
      checkpointSeconds: options.checkpointSeconds,
      onEvent: (event) => view.show(event),
    };
    let job = await RecipeJob.open({ ...parts, recipe });
    let plan = await job.plan();
    if (budget !== undefined) {
      const { batches, ...others } = trainingWithin(plan, job.graph.arms, budget).training;
      const more = Object.entries(others).map(([name, value]) => `training.${name}=${JSON.stringify(value)}`);
      if (more.length > 0) {
        for (const [name, value] of Object.entries(batches ?? {}))
          more.push(`training.batches.${name}=${value}`);
        io.note(`budget ${options.budget}: ${more.join(', ')}`);
        job = await RecipeJob.open({ ...parts, recipe: readWith(more) });
        plan = await job.plan();
      }
    }
    view.stop();
    for (const warning of job.corpus.warnings) io.warn(warning);
    if (options.plan === true) {
      io.printJson({ plan });
      for (const line of planLines(plan)) io.print(line);
      return;
    }
    for (const line of planLines(plan)) io.note(line);
    if (plan.memory.bytes > plan.memory.availableBytes && plan.seconds > 0) {
      io.warn('memory may run out: lower batches.batchSize or activationBytes to use less');
    }
    const report = await job.run();
    view.stop();
    const models =
      options.out === undefined ? undefined : await writeResults(options.out, job, report, options);
    await printReport(report, models, options, io);
  } catch (error) {
    if (error instanceof RecipeStoppedError) {
      view.stop();
      io.printJson({ endedBy: 'request', store: options.store });
      io.print('interrupted; re-run the same command to resume');
      process.exitCode = interruption.exitCode;
      return;
    }
    if (error instanceof StoreFencedError) {
      throw new Error(
        `${options.store}: another process has taken over a training run or a generation log, so this one has stopped. ` +
          'No saved work is lost.',
        { cause: error },
      );
    }
    throw error;
  } finally {
    interruption.stopListening();
    view.stop();
    await runtime.close();
    await store.close().catch(() => undefined);
  }
}

/** Finds out before long work whether everything can be written. @throws InputError */
async function checkOutput(out: string, { arms }: Recipe, force: boolean): Promise<void> {
  for (const { name } of arms) await checkOutputFolder(join(out, 'models', name), force);
  for (const file of ['report.md', 'report.json', 'plot.svg']) await checkOutputFile(join(out, file));
}

function seedOverrides({ seeds, seed }: RunOptions, seedIsGiven: boolean): readonly string[] {
  if (seeds !== undefined && seedIsGiven) {
    throw new InputError('--seed and --seeds cannot be combined', { remedy: 'Use only one of them' });
  }
  if (seeds !== undefined) {
    return [`seeds=[${Array.from({ length: seeds }, (_, i) => i + 1).join(',')}]`];
  }
  return seedIsGiven ? [`seeds=[${seed}]`] : [];
}

/** Writes the report and, of each arm, the model of the first seed. @returns arm → its folder */
async function writeResults(
  out: string,
  job: RecipeJob,
  report: RecipeReport,
  options: RunOptions,
): Promise<Readonly<Record<string, string>>> {
  const { reportMarkdown } = await import('../../pipeline/report-markdown.ts');
  const { modelCardOfArm } = await import('../../pipeline/model-card.ts');
  const { plotOf } = await import('../../pipeline/table/plot-of-report.ts');
  const models: Record<string, string> = {};
  for (const arm of report.arms) {
    const folder = join(out, 'models', arm.name);
    const seed = arm.trainings[0]?.seed ?? 0;
    const model = await job.trainedModel(arm.name, seed);
    await writeModelFolder(folder, model, modelCardOfArm(report, arm, model.shape), {
      force: options.force === true,
    });
    models[arm.name] = folder;
  }
  await writeOutputFile(join(out, 'report.md'), reportMarkdown(report));
  await writeOutputFile(join(out, 'plot.svg'), plotOf(report));
  await writeOutputFile(join(out, 'report.json'), `${JSON.stringify({ ...report, models }, undefined, 2)}\n`);
  return models;
}

async function printReport(
  report: RecipeReport,
  models: Readonly<Record<string, string>> | undefined,
  { out, store }: RunOptions,
  io: CliIo,
): Promise<void> {
  io.printJson({ ...report, models: models ?? null });
  if (io.json) return;
  const { comparisonRows, conclusions } = await import('../../metrics/comparison-text.ts');
  const { queriesByText, testQueriesBy, testQueriesText } =
    await import('../../pipeline/test-queries-text.ts');
  const { resultRows } = await import('../../pipeline/report-markdown.ts');
  const { all, disjoint } = report.results;
  const { alpha } = report.recipe.evaluation;
  const table = (rows: readonly (readonly string[])[]): readonly string[] =>
    textTable(rows[0] ?? [], rows.slice(1));
  const by = testQueriesBy(report.corpus);
  const tables: [string, typeof all][] = [[testQueriesText(all.queries, by), all]];
  if (disjoint !== null) {
    tables.push([
      `${disjoint.queries} test queries that share no relevant document with a train query${queriesByText(by)}`,
      disjoint,
    ]);
  }
  for (const [title, each] of tables) {
    io.print(title);
    for (const line of table(resultRows(each, report))) io.print(line);
    io.print('');
    if (each.comparisons.length > 0) {
      for (const line of table(comparisonRows(each, alpha))) io.print(line);
      io.print('');
    }
  }
  for (const line of conclusions(all, alpha)) io.print(line);
  io.print('');
  printTables(report.tables, io);
  for (const line of [...report.notes, ...report.exclusions]) io.print(line);
  for (const { id, query, arm, before, after } of report.shown) {
    io.print('');
    io.print(`query ${id}: ${query}`);
    for (const [when, passages] of [
      ['before', before.passages],
      [`after (${arm})`, after.passages],
    ] as const) {
      io.print(`  ${when}`);
      passages.forEach(({ grade, text }, i) =>
        io.print(`    ${i + 1}. ${grade === null ? '-' : String(grade)}  ${text.slice(0, 100)}`),
      );
    }
  }
  io.print('');
  if (models === undefined) {
    io.print(
      `the trained models are cached in ${store}; re-run the command with --out DIR to export them and the report`,
    );
  } else {
    for (const [arm, folder] of Object.entries(models)) io.print(`${arm}: ${folder}`);
    io.print(`report: ${join(out ?? '', 'report.md')}, report.json and plot.svg`);
  }
}
