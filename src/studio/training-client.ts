import type {
  ComputeFacts,
  ExportedModel,
  KeptItem,
  KeptRun,
  OpenedRun,
  RunEvent,
  RunOutcome,
  SearchAnswer,
  WorkerOptions,
} from './protocol.ts';
import type { DroppedItem } from '../host/browser/files.ts';
import type { RecipeInput } from '../recipes/schema.ts';

export interface TrainingClientOptions extends WorkerOptions {
  /** What the user should know, in one line. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** The worker was opened anew, after a lost device perhaps on another one. */
  readonly onCompute?: ((facts: ComputeFacts) => void) | undefined;
}

/**
 * The page's end of the training worker. Errors are those that were thrown there: an InputError keeps its problem and
 * remedy. One run at a time: a second is refused with an InputError.
 */
export declare class TrainingClient {
  /** Starts the worker and its runtime. @throws InputError if there is no such device, or the store cannot be opened */
  static open(options?: TrainingClientOptions): Promise<TrainingClient>;
  /** What it computes with now. */
  readonly compute: ComputeFacts;
  keep(item: DroppedItem): Promise<KeptItem>;
  kept(): Promise<readonly KeptItem[]>;
  forgetKept(id: string): Promise<void>;
  runs(): Promise<readonly KeptRun[]>;
  forgetRun(runId: string): Promise<void>;
  openRun(runId: string, recipe: RecipeInput, onEvent?: (event: RunEvent) => void): Promise<OpenedRun>;
  /** Goes on by itself in a new worker when the device is lost. */
  run(runId: string, recipe: RecipeInput, onEvent?: (event: RunEvent) => void): Promise<RunOutcome>;
  pause(runId: string): Promise<void>;
  resume(runId: string): Promise<void>;
  cancel(runId: string): Promise<void>;
  /** @param k passages of each system; 10 by default */
  search(runId: string, query: string, systems: readonly string[], k?: number): Promise<SearchAnswer>;
  exportModel(runId: string, arm: string, seed?: number): Promise<ExportedModel>;
  /** Ends the worker at once. What is stored stays. */
  close(): void;
}
