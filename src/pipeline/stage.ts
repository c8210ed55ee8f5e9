import type { ListRecord } from '../corpus/types.ts';
import type { Embedder } from '../encoders/embedder.ts';
import { forwardFlops } from '../training/flops.ts';
import type { EncoderModel, TextTokenizer, Weights } from '../encoders/types.ts';
import type { GenerationEvent, PauseSwitch } from '../generation/generation-run.ts';
import type { GenerationLog } from '../generation/log.ts';
import type { Prompt } from '../generation/prompt.ts';
import type { Json } from '../core/json.ts';
import type { Clock, Runtime, Store } from '../host/contract.ts';
import type { Generator } from '../host/generator.ts';
import type { Ranking } from '../retrieval/ranking.ts';
import type { Bm25Index, Bm25Settings } from '../retrieval/bm25.ts';
import type { EmbedChunk } from '../retrieval/lasting-vectors.ts';
import type { TextVectors } from '../retrieval/text-vectors.ts';
import type { VectorIndex } from '../retrieval/vectors.ts';
import type { CheckpointStore } from '../training/checkpoint.ts';
import type { TrainingForces } from '../training/forces/forces.ts';
import type { TrainingEvent } from '../training/trainer.ts';
import type { EncoderShelf, ShelvedEncoder } from './encoder-shelf.ts';
import type { ListsFinding } from './lists-report.ts';
import type { RecipeCorpus } from './recipe-corpus.ts';
import type { StageTable } from './stage-table.ts';
import type { StepGate, View } from './step-gate.ts';
import { stageKey, type StageKind, type StageOutput, type StageResult } from './stage-store.ts';

/** What a stage costs, as far as it can be told before. */
export interface Work {
  /** Floating-point operations of forward passes, and of trainings (forward passes counted three times). */
  readonly forwardFlops: number;
  readonly trainingFlops: number;
  /** What the forward passes run on, where the encoder is another than the trained one. */
  readonly by?: 'graphs';
  /** Whatever else there is to it. */
  readonly seconds: number;
  readonly requests?: ModelRequests;
  /** Of a training, about. */
  readonly steps?: number;
  /** Of a training: how often it is evaluated, which its forward passes are for. */
  readonly evaluations?: number;
  /** What it stores, and the most that it stores besides until its result is there. */
  readonly disk?: { readonly keptBytes: number; readonly workingBytes: number };
}

/** What a language model is asked. How long it takes is known when it has been asked before. */
export interface ModelRequests {
  /** At most: what an earlier run has asked is not asked again. */
  readonly count: number;
  /** Where the seconds of one are kept, as a stage's result ({@link paceKey}). */
  readonly pace: string;
}

/** A kind of stage: what all stages of the kind share. Every stage carries its definition, so nothing looks one up. */
export interface StageDefinition<Value = unknown> extends StageKind {
  /** What its progress counts; texts unless it says so. */
  readonly unit?: string;
  /** Whether its result depends on the device that computed it. */
  readonly onDevice?: boolean;
  /** What it found that is worth showing before the report is there. */
  finding?(value: Value): ListsFinding | undefined;
  /** What the report, the page and the stage's command show of its result. */
  tables?(value: Value): readonly StageTable[];
  /** What it truncated, dropped or skipped, one line each. @param label the stage's */
  exclusions?(value: Value, label: string): readonly string[];
}

/** One computation whose result is kept under the hash of all that it depends on. */
export interface Stage<Value = unknown> extends StageDefinition<Value> {
  /** For people. */
  readonly label: string;
  readonly key: string;
  readonly inputs: Json;
  /** The stages whose results it reads. */
  readonly needs: readonly Stage[];
  readonly work: Work;
  run(workshop: Workshop, task: Task): Promise<StageOutput<Value>>;
  /** Frees what it kept on its way, once its result is stored. */
  clear?(workshop: Workshop, stage: Stage): Promise<void>;
}

/** A stage that ends with training lists. */
export type ListsStage<Value = unknown> = Stage<Value> & { readonly holdsLists: true };

/** What a stage that is being computed may tell. */
export interface Task {
  readonly stage: Stage;
  /**
   * @param secondsLeft of the stage, where it can tell better than by the share that is done
   * @throws RecipeStoppedError where the user has asked for an end.
   */
  progress(done: number, total: number, detail?: string, secondsLeft?: number): void;
  /** So much was made by an earlier run that was ended. */
  found(count: number, what: 'passages' | 'pairs'): void;
  /** Tells of something, in a line, before a long computation is over. */
  warn(warning: string): void;
  training(event: TrainingEvent): void;
  /** Somebody watches what it learns. */
  view(view: View): void;
  /** A reply came, a model is loaded: what a prompt is being asked for. */
  generation(prompt: Prompt, event: GenerationEvent): void;
}

/** What stages compute with. */
export interface Workshop {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly version: string;
  readonly signal: AbortSignal;
  /** Holds what asks language models, between two requests. */
  readonly pause: PauseSwitch | undefined;
  readonly corpus: RecipeCorpus;
  readonly shelf: EncoderShelf;
  /** Where teachers keep their scores and vectors. */
  readonly store: Store;
  /** About so much work a killed process may lose. */
  readonly checkpointSeconds: number;
  /** The result of a stage, computed if it is not stored. */
  resultOf<Value>(stage: Stage<Value>): Promise<StageResult<Value>>;
  listsOf(stage: ListsStage): Promise<readonly ListRecord[]>;
  rankingOf(stage: Stage): Promise<Ranking>;
  weightsOf(stage: Stage): Promise<Weights>;
  /** The push and pull of a training; undefined where an earlier version trained, which recorded none. */
  forcesOf(training: Stage): Promise<TrainingForces | undefined>;
  /** The vectors that a stage has made of texts. */
  vectorsOf(stage: Stage): Promise<TextVectors>;
  bm25(settings: Bm25Settings, task?: Task): Promise<Bm25Index>;
  /** The corpus as vectors of an encoder that is not trained here; kept, since mining and a baseline both ask. */
  vectors(encoder: ShelvedEncoder, task: Task): Promise<VectorIndex>;
  /** The corpus as vectors of the embedder, which has the weights of a training. */
  trainedVectors(training: Stage, embedder: Embedder, task: Task): Promise<VectorIndex>;
  /**
   * Vectors of the corpus's passages, [passages, dimensions]; what was made before the process was killed is not made
   * again.
   * @param encoder names what embeds, by its content
   */
  embedCorpus(encoder: string, embed: EmbedChunk, task: Task): Promise<Float32Array>;
  /** The corpus's vectors, to be searched. */
  indexOf(vectors: Float32Array, dimensions: number): Promise<VectorIndex>;
  matmulRate(): Promise<number>;
  /** A language model of the recipe, not loaded yet. Whoever asks for it unloads it. */
  generator(role: string): Promise<Generator>;
  /** Every reply that language models gave to recipes of this store. */
  generationLog(): Promise<GenerationLog>;
  /** The wait after a request to a language model has failed, which doubles with each failure. */
  readonly retrySeconds: number;
  /** Keeps how long a language model takes for a request, for the plans of other runs. */
  keepPace(pace: string, seconds: number): Promise<void>;
  /** What stands between the steps of a training; undefined where nobody watches or holds it. */
  gateOf(stage: Stage, show: (view: View) => void): StepGate | undefined;
  /** Where a training keeps its checkpoints, and how many steps apart; undefined where it takes seconds. */
  checkpoints(stage: Stage, steps: number): Promise<CheckpointPlan | undefined>;
  /** Frees the checkpoints of a training. */
  clearCheckpoints(training: Stage): Promise<void>;
  /** Frees the corpus's vectors of a trained encoder, as the store has them. */
  clearTrainedVectors(training: Stage): Promise<void>;
}

export interface CheckpointPlan {
  readonly checkpoints: CheckpointStore;
  readonly every: number;
}

/** The user asked for an end. What was finished is stored. */
export class RecipeStoppedError extends Error {
  override readonly name = 'RecipeStoppedError';

  constructor() {
    super('the recipe was interrupted; re-run it to resume');
  }
}

type StageParts<Value> = Omit<Stage<Value>, 'key' | 'work' | keyof StageDefinition> &
  Partial<Pick<Stage, 'work'>>;

/** Makes the stages of a kind. */
export function defineStage<Value>(
  definition: StageDefinition<Value>,
): (parts: StageParts<Value>) => Promise<Stage<Value>> {
  return async (parts) => ({
    work: noWork,
    ...definition,
    ...parts,
    key: await stageKey(definition, parts.inputs),
  });
}

/** Makes the stages of a kind whose first blob is the lists ({@link Workshop.listsOf}). */
export function defineListsStage<Value>(
  definition: StageDefinition<Value>,
): (parts: StageParts<Value>) => Promise<ListsStage<Value>> {
  const make = defineStage(definition);
  return async (parts) => ({ ...(await make(parts)), holdsLists: true });
}

export const noWork: Work = { forwardFlops: 0, trainingFlops: 0, seconds: 0 };

/** Of so many texts of typical length. */
export function encodingFlops({ shape }: EncoderModel, texts: number, tokens: number): number {
  return texts * forwardFlops(shape, tokens);
}

/** Tokens of a typical text, from a sample spread over all. */
export function typicalTokens(
  model: EncoderModel,
  texts: readonly string[],
  side: 'query' | 'passage',
): number {
  const { tokenizer, encoding } = model;
  const most = side === 'query' ? encoding.queryMaxLength : encoding.passageMaxLength;
  const prefix = side === 'query' ? encoding.queryPrefix : encoding.passagePrefix;
  const known = countsOf(texts, tokenizer);
  const key = `${most} ${prefix}`;
  let typical = known.get(key);
  if (typical === undefined) {
    const every = Math.max(1, Math.floor(texts.length / sampled));
    const sample = texts.filter((_, i) => i % every === 0).slice(0, sampled);
    const tokens = sample.reduce((sum, text) => sum + tokenizer.encode(prefix + text, most).length, 0);
    typical = sample.length === 0 ? most : tokens / sample.length;
    known.set(key, typical);
  }
  return typical;
}

/** What was counted of the same texts with the same tokenizer: each stage asks for the corpus's. */
const counted = new WeakMap<readonly string[], WeakMap<TextTokenizer, Map<string, number>>>();

function countsOf(texts: readonly string[], tokenizer: TextTokenizer): Map<string, number> {
  const ofTexts = counted.get(texts) ?? new WeakMap<TextTokenizer, Map<string, number>>();
  counted.set(texts, ofTexts);
  const counts = ofTexts.get(tokenizer) ?? new Map<string, number>();
  ofTexts.set(tokenizer, counts);
  return counts;
}

const sampled = 100;
