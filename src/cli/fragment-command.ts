/** Runs the part of a recipe that a command stands for. */
import type { Command } from 'commander';
import { StoreFencedError, type Runtime, type Store } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { MemoryStore } from '../host/memory-store.ts';
import { nodeClock } from '../host/node/clock.ts';
import type { DiskModelFiles } from '../host/node/model-files.ts';
import { noRuntime } from '../host/no-runtime.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import type { FragmentJob, FragmentParts } from '../pipeline/fragment.ts';
import type { FragmentInput } from '../pipeline/fragment-schema.ts';
import { shownModelFiles } from './experiment.ts';
import type { TimeRange } from '../pipeline/time-left.ts';
import type { StageEvent, WorkshopHost } from '../pipeline/workshop.ts';
import { openStore } from './input-files.ts';
import { Interruption } from './interruption.ts';
import type { CliIo } from './io.ts';
import { numberOption, type ComputeOptions } from './options.ts';
import { packageVersion } from './version.ts';

/** Where results are kept, as the action receives it. */
export interface StoreOptions {
  readonly store?: string;
  readonly checkpointSeconds?: number;
}

/** @param folder by default; without it nothing is cached then */
export function addStoreOptions(command: Command, folder?: string): Command {
  const about = 'Folder that caches the result of each stage, so that re-running the command resumes it';
  return command
    .option('--store <dir>', folder === undefined ? `${about} (default: nothing is cached)` : about, folder)
    .option(
      '--checkpoint-seconds <s>',
      'With --store: approximate seconds of work lost if the process is killed',
      numberOption('--checkpoint-seconds', settingRanges.checkpointSeconds),
      30,
    );
}

type FragmentCommandOptions = StoreOptions & Pick<ComputeOptions, 'device' | 'threads'>;

interface StageView {
  show(event: StageEvent & { readonly secondsLeft?: TimeRange }): void;
  stop(): void;
}

interface HostExtras {
  /** What errors that name no file are about. */
  readonly file?: string | undefined;
  /** Whether a model runs: else no runtime is opened. */
  readonly runsModel: boolean;
  /** Shows what happens; by default as `run` does. */
  readonly view?: StageView;
  /** What to say when the user has interrupted the command. */
  readonly onStopped?: () => void;
  readonly promise?: string;
}

interface Extras extends HostExtras {
  /** What the job is opened with besides. */
  readonly job?: Partial<Pick<FragmentParts, 'onPassage' | 'generators' | 'checkpoints'>>;
}

/**
 * Opens a fragment and hands it over. Where the user interrupts the command, it says how to resume and sets the exit
 * code.
 */
export async function withFragment(
  fragment: FragmentInput,
  options: FragmentCommandOptions,
  extras: Extras,
  io: CliIo,
  use: (job: FragmentJob) => Promise<void>,
): Promise<void> {
  const { FragmentJob } = await import('../pipeline/fragment.ts');
  await withHost(options, extras, io, async (host, view) => {
    const { stopDownloads, ...parts } = host;
    const job = await FragmentJob.open({
      ...{ fragment, ...parts, ...extras.job },
      onEvent: (event) => view.show(event),
    });
    stopDownloads();
    for (const warning of job.warnings) io.warn(warning);
    await use(job);
  });
}

/** What stages are computed with in Node. */
type CommandHost = Pick<WorkshopHost, 'runtime' | 'clock' | 'version' | 'store' | 'models' | 'files'> &
  Required<Pick<WorkshopHost, 'signal' | 'lasts' | 'checkpointSeconds'>> &
  Pick<FragmentParts, 'library' | 'pool'> & {
    /** Takes the bar of the downloads away. */
    readonly stopDownloads: () => void;
  };

/** Opens what stages are computed with and hands it over. Interrupted, it ends as {@link withFragment}. */
export async function withHost(
  options: FragmentCommandOptions,
  { file, runsModel, view: shown, onStopped, promise = 'stopping after this step' }: HostExtras,
  io: CliIo,
  use: (host: CommandHost, view: StageView) => Promise<void>,
): Promise<void> {
  const { RecipeStoppedError } = await import('../pipeline/stage.ts');
  const { recipeFiles } = await import('./recipe-files.ts');
  const { RecipeView } = await import('./recipe-view.ts');
  const { store: folder, checkpointSeconds = 30, device, threads } = options;
  const interruption = new Interruption(io, promise);
  const view: StageView = shown ?? new RecipeView(io);
  const { files: models, stop } = shownModelFiles(io);
  let about: string | undefined;
  const opened: { close(): Promise<void> }[] = [];
  const opening = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one);
    return one;
  };
  try {
    const runtime = opening(runsModel ? await openNodeRuntime({ device, threads }) : noRuntime);
    about = file;
    const store: Store = opening(folder === undefined ? new MemoryStore() : await openStore(folder, io));
    const more = runsModel ? await modelParts(models, threads) : {};
    if (more.pool !== undefined) opening(more.pool);
    const host: CommandHost = {
      ...{ runtime, store, models, files: recipeFiles, ...more },
      clock: nodeClock,
      version: packageVersion(),
      signal: interruption.signal,
      lasts: folder !== undefined,
      // What is in memory alone outlives no kill.
      checkpointSeconds: folder === undefined ? Infinity : checkpointSeconds,
      stopDownloads: stop,
    };
    await use(host, view);
  } catch (error) {
    view.stop();
    if (error instanceof RecipeStoppedError) {
      process.exitCode = interruption.exitCode;
      if (onStopped !== undefined) {
        onStopped();
        return;
      }
      io.printJson({ endedBy: 'request', store: folder ?? null });
      io.print(
        folder === undefined
          ? 'interrupted; nothing was cached (pass --store DIR to make the command resumable)'
          : 'interrupted; re-run the same command to resume',
      );
      return;
    }
    if (error instanceof StoreFencedError && folder !== undefined) {
      throw new Error(
        `${folder}: another process has taken over this store, so this one has stopped. No cached results are lost. ` +
          'Use a separate --store to run both at the same time.',
        { cause: error },
      );
    }
    throw error instanceof InputError && error.file === undefined && about !== undefined
      ? new InputError(error.problem, { file: about, remedy: error.remedy, cause: error })
      : error;
  } finally {
    interruption.stopListening();
    stop();
    view.stop();
    for (const each of opened.reverse()) await each.close().catch(() => undefined);
  }
}

async function openNodeRuntime({
  device,
  threads,
}: Pick<ComputeOptions, 'device' | 'threads'>): Promise<Runtime> {
  // ONNX Runtime: only for those who run models.
  const { openRuntime } = await import('../host/node/runtime.ts');
  return openRuntime({ device, ...(threads !== undefined && { threads }) });
}

async function modelParts(
  models: DiskModelFiles,
  threads: number | undefined,
): Promise<Pick<FragmentParts, 'library' | 'pool'>> {
  const { openTransformersJs } = await import('./transformers-js.ts');
  const { openWorkerPool } = await import('../host/node/workers.ts');
  return {
    library: openTransformersJs(models),
    pool: openWorkerPool('search', threads === undefined ? {} : { size: threads }),
  };
}
