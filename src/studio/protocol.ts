/**
 * What the page and its training worker say to each other. The page asks, the worker tells what happens meanwhile (each
 * event names its run). Files and bytes are moved or shared, never copied.
 */
import type { DroppedItem } from './dropped-files.ts';
import type { GenerationProgress } from '../generation/generation-run.ts';
import type { GeneratedItem } from '../generation/prompt.ts';
import type { Device } from '../host/contract.ts';
import type { ChatMessage, GeneratorLoadProgress } from '../host/generator.ts';
import type { Pace } from '../pipeline/lock-step.ts';
import type { FailedModel, ModelChoices, ModelComparison } from '../pipeline/compare-models.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { RecipeReport } from '../pipeline/report.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import type { TimeRange } from '../pipeline/time-left.ts';
import type { FilteredReport } from '../pipeline/lists-report.ts';
import type { WrittenReport } from '../pipeline/written-report.ts';
import type { TrainingEvent } from '../training/trainer.ts';

/** How to open the worker. */
export interface WorkerOptions {
  /** `auto` takes a GPU where WebGPU offers a real one, and WASM elsewhere. Default `auto`. */
  readonly device?: 'auto' | 'wasm' | 'webgpu' | undefined;
  /** Of WASM; by default one for each core. */
  readonly threads?: number | undefined;
  /** What the page's own files lie under: `demo/`, `models/nano/`. Default: the site's root. */
  readonly base?: string | undefined;
  /** Name of the database; tests have their own. */
  readonly store?: string | undefined;
  /** How much of a training the end of the tab may cost, about; shorter trainings begin anew. Default 10. */
  readonly checkpointSeconds?: number | undefined;
  /** Of the program: checkpoints and results say what computed them. */
  readonly version?: string | undefined;
}

/** What the worker computes with. */
export interface ComputeFacts {
  readonly device: Device;
  readonly threads: number;
  /** Why it is not WebGPU, where that was not asked for; undefined on WebGPU. */
  readonly withoutGpu: string | undefined;
  /** Runtime, device, threads, adapter: for people. */
  readonly fingerprint: Readonly<Record<string, string>>;
  /** Whether it gave the same bits for the same training step; undefined where that was not tested. */
  readonly repeats: boolean | undefined;
}

/** What a corpus holds. */
export type CorpusCounts = Readonly<{
  passages: number;
  queries: number;
  /** By split: how many queries are judged, and by how many judgments. */
  splits: Readonly<Record<string, Readonly<{ queries: number; judgments: number }>>>;
}>;

/**
 * A folder, zip or file that the user gave, kept in the browser so that a run outlives its tab. In recipes its `id`
 * stands where the command line has a path: `corpus.folder`, `encoder.model`, a source's `file`.
 */
export type KeptItem = Readonly<{
  /** Its name and a part of its hash: the same files are kept once. */
  id: string;
  name: string;
  bytes: number;
  /** What it can be used as; `generations` is a log of what a language model wrote, and `language-model` was downloaded. */
  kind: 'corpus' | 'model' | 'lists' | 'generations' | 'language-model';
  /** Of a corpus: the splits that it has judgments for. */
  splits: readonly string[];
  /** Of a corpus: its JSONL files besides corpus and queries, which may hold training lists. */
  listFiles: readonly string[];
  /** Of a corpus, unless an earlier version of the studio kept it. */
  counts?: CorpusCounts;
  /** Of a corpus whose queries were made here: the id of that with the texts alone. */
  madeFrom?: string;
  /** ISO 8601; empty where nobody knows. */
  keptAt: string;
}>;

/** How much was read of what is being kept: it is checked first, and then copied. */
export interface KeepProgress {
  readonly bytes: number;
  readonly totalBytes: number;
}

/** A run as it is kept. Running its recipe again under its id goes on from where it was, or shows the report at once. */
export type KeptRun = Readonly<{
  runId: string;
  recipe: RecipeInput;
  state: 'begun' | 'finished';
  /** ISO 8601. */
  begunAt: string;
  changedAt: string;
  /** Of a finished one: the highest nDCG@10 of its trained encoders on the test queries. */
  best?: number | undefined;
}>;

export interface FoundPassage {
  readonly id: string;
  readonly text: string;
  readonly score: number;
  /** 1-based. */
  readonly rank: number;
  /** What the judgments say of it for this query; undefined where nobody judged it, or the query is a new one. */
  readonly grade: number | undefined;
}

/** A passage with the rank that it had before the training. */
export interface WatchedPassage extends FoundPassage {
  readonly rankBefore: number | undefined;
}

/** What an encoder makes of the watched query after so many steps. */
export interface WatchedView {
  readonly step: number;
  readonly query: string;
  /** Its best ten. */
  readonly passages: readonly WatchedPassage[];
  /** Where the query lies on the scene's map. */
  readonly point: readonly [x: number, y: number] | undefined;
  /** nDCG@10 on the dev queries. */
  readonly dev: number | undefined;
}

/** What stays the same while somebody watches trainings. */
export interface Scene {
  /** Of the corpus's passages. */
  readonly ids: readonly string[];
  /** [passages, 2]: two principal components of the untrained encoder's vectors. */
  readonly points: Float32Array<ArrayBuffer>;
  /** nDCG@10 among the passages of the dev queries; undefined without any. */
  readonly dev:
    { readonly queries: number; readonly keywords: number; readonly untrained: number } | undefined;
}

/** What one system finds for a query. */
export interface FoundBySystem {
  /** A row of the table: `bm25`, `untrained`, or the name of an arm. */
  readonly system: string;
  readonly passages: readonly FoundPassage[];
}

export interface SearchAnswer {
  /** The judged query that was typed, where it is one. */
  readonly queryId: string | undefined;
  readonly found: readonly FoundBySystem[];
}

/** A judged query of the test split, to choose from. */
export interface TestQuery {
  readonly id: string;
  readonly text: string;
}

/** A run that is opened: what was read, and what there is to do. */
export interface OpenedRun {
  readonly runId: string;
  readonly plan: Plan;
  readonly corpus: {
    readonly name: string;
    readonly passages: number;
    readonly testQueries: readonly TestQuery[];
    readonly warnings: readonly string[];
  };
  /** What the encoder's folder leaves open and the user may want to settle. */
  readonly advice: readonly string[];
}

/**
 * What the language models of a recipe need beside it, by their names there. It is held in memory alone: no recipe,
 * store or file has it.
 */
export type GeneratorAccess = Readonly<
  Record<
    string,
    {
      /** Of a server. */
      readonly key?: string | undefined;
      /** A dropped GGUF file, which the recipe calls by its name. */
      readonly file?: File | undefined;
    }
  >
>;

/** A reply of a language model, with what it was asked. All of it is text that anybody may have written. */
export interface WrittenSample {
  /** With its version. */
  readonly prompt: string;
  /** What was asked about: the id of a passage or a query. */
  readonly task: string;
  readonly model: string;
  /** Whether it was replayed. */
  readonly recorded: boolean;
  readonly messages: readonly ChatMessage[];
  /** As the model gave it. */
  readonly text: string;
  /** What was read from the text … */
  readonly items: readonly GeneratedItem[];
  /** … or why nothing was. */
  readonly error: string | undefined;
}

export interface ExportedFile {
  readonly name: string;
  /** Moved to the page. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ExportedModel {
  /** A file name for the download: `demo-listwise.zip`. */
  readonly name: string;
  /** A zip that sentence-transformers and transformers.js open unpacked. Moved to the page. */
  readonly zip: Uint8Array<ArrayBuffer>;
}

/** What has to be fetched before a language model can write. */
export interface ModelDownload {
  readonly model: string;
  /** `about 400.0 MB`. */
  readonly text: string;
}

/** Every request with its answer. */
export interface StudioCalls {
  open: { readonly ask: { readonly options: WorkerOptions }; readonly answer: ComputeFacts };
  /** Does the same training step several times and compares the bits. Not during a run. */
  testDevice: { readonly ask: object; readonly answer: ComputeFacts };
  /** Keeps what was dropped or chosen, or nothing; aborted, it answers null. */
  keep: {
    readonly ask: { readonly item: DroppedItem };
    readonly answer: KeptItem | null;
    readonly progress: KeepProgress;
  };
  kept: { readonly ask: object; readonly answer: readonly KeptItem[] };
  forgetKept: { readonly ask: { readonly itemId: string }; readonly answer: null };
  runs: { readonly ask: object; readonly answer: readonly KeptRun[] };
  forgetRun: { readonly ask: { readonly runId: string }; readonly answer: null };
  /** Reads corpus, lists and model, and plans. Searching with `bm25` and `untrained` needs no more than this. */
  openRun: {
    readonly ask: {
      readonly runId: string;
      readonly recipe: RecipeInput;
      readonly access?: GeneratorAccess | undefined;
    };
    readonly answer: OpenedRun;
  };
  /** Asks hosts for sizes; who does not answer has an unknown one. */
  modelDownloads: {
    readonly ask: { readonly recipe: RecipeInput };
    readonly answer: readonly ModelDownload[];
  };
  /**
   * Computes what is not stored, and reports. Opens the run first if it is not open. Aborted, it ends after its current
   * step and answers that it was canceled. What is stored stays.
   */
  run: {
    readonly ask: {
      readonly runId: string;
      readonly recipe: RecipeInput;
      readonly access?: GeneratorAccess | undefined;
      /** A query to watch: trainings beside each other go in lock step and show what they make of it. */
      readonly watch?: string | undefined;
    };
    readonly answer: RunOutcome;
  };
  /** Another query to watch, of a run that is watched. */
  watch: { readonly ask: { readonly runId: string; readonly query: string }; readonly answer: null };
  /** How fast the trainings of a watched run go. */
  setPace: { readonly ask: { readonly runId: string; readonly pace: Pace }; readonly answer: null };
  /** Each training does one more step, at the pace `single`. */
  takeStep: { readonly ask: { readonly runId: string }; readonly answer: null };
  /**
   * Compares encoders as they are; the corpus and dropped models are named by their ids. Not during a run. Aborted, it
   * answers that it was canceled, and asked again it resumes.
   */
  compareModels: {
    readonly ask: { readonly comparisonId: number; readonly choices: ModelChoices };
    readonly answer: ComparisonOutcome;
  };
  /** Holds the run within its current step, in memory. */
  pause: { readonly ask: { readonly runId: string }; readonly answer: null };
  resume: { readonly ask: { readonly runId: string }; readonly answer: null };
  /** Needs an opened run; an arm's name only after `run`. Waits while the run computes. */
  search: {
    readonly ask: {
      readonly runId: string;
      readonly query: string;
      readonly systems: readonly string[];
      readonly k?: number | undefined;
    };
    readonly answer: SearchAnswer;
  };
  /** A trained encoder; the first seed by default. Needs a run that has reported. */
  exportModel: {
    readonly ask: { readonly runId: string; readonly arm: string; readonly seed?: number | undefined };
    readonly answer: ExportedModel;
  };
  /** Everything that language models wrote for runs of this browser, as a log that can be replayed. Not during a run. */
  exportGenerations: { readonly ask: object; readonly answer: ExportedFile };
}

/** How a run ended. */
export type RunOutcome =
  { readonly state: 'finished'; readonly report: RecipeReport } | { readonly state: 'canceled' };

/** How a comparison of models ended. */
export type ComparisonOutcome =
  { readonly state: 'finished'; readonly comparison: ModelComparison } | { readonly state: 'canceled' };

/** What happens in a comparison of models. */
export type ComparisonEvent =
  | DownloadEvent
  | {
      readonly kind: 'progress';
      /** Of the stage at work, for people. */
      readonly label: string;
      readonly done: number;
      readonly total: number;
      /** Of the whole comparison, once every encoder was opened. */
      readonly secondsLeft: TimeRange | undefined;
    }
  /** An encoder is left out; the others go on. */
  | { readonly kind: 'failed'; readonly failed: FailedModel };

interface DownloadEvent {
  readonly kind: 'download';
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes: number | undefined;
}

/** One computation of a run. */
export interface StageName {
  readonly kind: string;
  /** For people, e.g. `training of listwise, seed 1`. */
  readonly label: string;
  readonly key: string;
  /** Of a training. */
  readonly arm?: string | undefined;
  readonly seed?: number | undefined;
}

/** What happens in a run. `secondsLeft` is of the whole run. */
export type RunEvent =
  | DownloadEvent
  /** Corpus, lists and model are read, and it is planned. */
  | { readonly kind: 'opened'; readonly opened: OpenedRun }
  | {
      readonly kind: 'stage';
      readonly stage: StageName;
      readonly state: 'stored' | 'started' | 'finished';
      /** What it took, once it is finished. */
      readonly seconds: number | undefined;
      readonly secondsLeft: TimeRange;
    }
  | {
      readonly kind: 'progress';
      readonly stage: StageName;
      readonly done: number;
      readonly total: number;
      readonly detail: string;
      readonly secondsLeft: TimeRange;
    }
  | {
      readonly kind: 'training';
      readonly stage: StageName;
      /** A step with loss, terms and speed; an evaluation on dev (`ndcg_cut_10`); a checkpoint; a resume. */
      readonly event: TrainingEvent;
      readonly secondsLeft: TimeRange;
    }
  /** The run is watched: what does not change. */
  | { readonly kind: 'scene'; readonly scene: Scene }
  | { readonly kind: 'view'; readonly stage: StageName; readonly view: WatchedView }
  /** A language model is made ready. */
  | { readonly kind: 'loading'; readonly stage: StageName; readonly progress: GeneratorLoadProgress }
  /** A language model has replied: told a few times a second. */
  | {
      readonly kind: 'reply';
      readonly stage: StageName;
      /** Of one prompt. */
      readonly progress: GenerationProgress;
      readonly sample: WrittenSample;
    }
  /** What a language model wrote for a source, all of it. */
  | {
      readonly kind: 'written';
      readonly stage: StageName;
      readonly report: WrittenReport;
      readonly recorded: boolean;
    }
  /** What a stack of rules kept and dropped. */
  | { readonly kind: 'filtered'; readonly stage: StageName; readonly report: FilteredReport }
  /** A search has its first query for a system: the corpus is embedded. */
  | { readonly kind: 'indexing'; readonly system: string; readonly done: number; readonly total: number }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' }
  /** The device was lost, or the worker hung: another worker goes on from the last checkpoint. Told by the client. */
  | { readonly kind: 'recovering'; readonly reason: string };

/** What the worker tells. */
export type StudioEvent =
  | { readonly kind: 'run'; readonly runId: string; readonly event: RunEvent }
  | { readonly kind: 'comparison'; readonly comparisonId: number; readonly event: ComparisonEvent }
  /** The user should know, in one line: the store is held by another tab, a copy was read, the disk is full. */
  | { readonly kind: 'warning'; readonly text: string };
