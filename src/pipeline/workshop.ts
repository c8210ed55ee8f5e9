import type { ListRecord } from '../corpus/types.ts';
import type { Embedder } from '../encoders/embedder.ts';
import type { Weights } from '../encoders/types.ts';
import { bytesSource } from '../core/source.ts';
import { measureMatmulRate } from '../graph/matmul-rate.ts';
import type { GenerationEvent, PauseSwitch } from '../generation/generation-run.ts';
import { GenerationLog } from '../generation/log.ts';
import type { Prompt } from '../generation/prompt.ts';
import type { ModelLibrary } from '../encoders/model-library.ts';
import type { Clock, ModelFiles, Runtime, Store, WorkerPool } from '../host/contract.ts';
import type { Generator } from '../host/generator.ts';
import { Bm25Builder, type Bm25Index, type Bm25Settings } from '../retrieval/bm25.ts';
import type { Ranking } from '../retrieval/ranking.ts';
import { clearVectors, lastingVectors, type EmbedChunk } from '../retrieval/lasting-vectors.ts';
import { readTextVectors, type TextVectors } from '../retrieval/text-vectors.ts';
import { VectorIndex } from '../retrieval/vectors.ts';
import { CheckpointStore } from '../training/checkpoint.ts';
import { TrainingForces } from '../training/forces/forces.ts';
import type { TrainingEvent } from '../training/trainer.ts';
import { EncoderShelf, withEmbedder, type ShelvedEncoder } from './encoder-shelf.ts';
import type { Passages } from './passages.ts';
import { secondsOf, type Rates } from './rates.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { GeneratorShelf, type RecipeGenerators } from './recipe-generators.ts';
import type { GeneratorsByName } from './generators/index.ts';
import {
  RecipeStoppedError,
  type CheckpointPlan,
  type ListsStage,
  type Stage,
  type Task,
  type Workshop,
} from './stage.ts';
import type { StepGate, View } from './step-gate.ts';
import { StageStore, type StageOutput, type StageResult } from './stage-store.ts';
import { decodeLists, decodeRanking, decodeWeights } from './stored-forms.ts';

/** What happened to a stage. */
export type StageEvent =
  | { readonly kind: 'stage'; readonly stage: Stage; readonly state: 'started' }
  | {
      readonly kind: 'stage';
      readonly stage: Stage;
      readonly state: 'stored';
      readonly result: StageResult;
    }
  | {
      readonly kind: 'stage';
      readonly stage: Stage;
      readonly state: 'finished';
      readonly result: StageResult;
      readonly seconds: number;
    }
  | {
      readonly kind: 'progress';
      readonly stage: Stage;
      readonly done: number;
      readonly total: number;
      readonly detail: string;
      /** Of the stage, where it can tell better than by the share that is done. */
      readonly stageSecondsLeft?: number;
    }
  | {
      readonly kind: 'found';
      readonly stage: Stage;
      readonly count: number;
      readonly what: 'passages' | 'pairs';
    }
  | { readonly kind: 'warning'; readonly stage: Stage; readonly warning: string }
  | { readonly kind: 'training'; readonly stage: Stage; readonly event: TrainingEvent }
  | { readonly kind: 'view'; readonly stage: Stage; readonly view: View }
  | {
      readonly kind: 'generation';
      readonly stage: Stage;
      readonly prompt: Prompt;
      readonly event: GenerationEvent;
    };

/** A {@link StageEvent} of a stage that is known. */
export type StageNews<Event = StageEvent> = Event extends StageEvent ? Omit<Event, 'stage'> : never;

/** Gives trainings the gates between their steps. */
export interface StepGates {
  gateOf(stage: Stage, show: (view: View) => void): StepGate;
}

/** How one stage came to its result in this job. */
export interface StageLogEntry {
  readonly stage: Stage;
  readonly result: StageResult;
  readonly state: 'stored' | 'computed';
}

export interface WorkshopParts {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly version: string;
  readonly store: Store;
  readonly stages: StageStore;
  readonly generators: { open(role: string): Promise<Generator> };
  readonly corpus: RecipeCorpus;
  readonly shelf: EncoderShelf;
  readonly signal: AbortSignal;
  readonly pause?: PauseSwitch | undefined;
  readonly onEvent: (event: StageEvent) => void;
  /** A training that takes longer leaves a checkpoint about this often. */
  readonly checkpointSeconds: number;
  readonly retrySeconds: number;
  readonly pool?: WorkerPool | undefined;
  /** Where the checkpoints of every training lie, in place of the store; they stay when it is finished. */
  readonly checkpoints?: ((stage: Stage) => Promise<CheckpointPlan>) | undefined;
  /** Holds and watches trainings. */
  readonly gates?: StepGates | undefined;
  /** Whether results outlive this workshop; else lists are not made bytes of. */
  readonly lasts: boolean;
  /** Whether the corpus's vectors of trained encoders stay in memory, too. */
  readonly keepVectors: boolean;
}

/** What a workshop is opened with, whatever it is to compute. */
export type WorkshopHost = Pick<WorkshopParts, 'runtime' | 'clock' | 'version' | 'store'> &
  Partial<
    Pick<
      WorkshopParts,
      | 'signal'
      | 'pause'
      | 'checkpointSeconds'
      | 'checkpoints'
      | 'retrySeconds'
      | 'pool'
      | 'gates'
      | 'lasts'
      | 'keepVectors'
      | 'onEvent'
    >
  > & {
    readonly models: ModelFiles;
    readonly library?: ModelLibrary;
    readonly files: RecipeFiles;
    readonly generators?: RecipeGenerators;
  };

export interface OpenedWorkshop {
  readonly workshop: RecipeWorkshop;
  readonly shelf: EncoderShelf;
  readonly generators: GeneratorShelf;
}

/** A workshop with its shelves of models, for a corpus that is read. @param generators the recipe's, by name */
export function openWorkshop(
  host: WorkshopHost,
  generators: GeneratorsByName,
  corpus: RecipeCorpus,
  shelf = new EncoderShelf(host.models, host.library),
): OpenedWorkshop {
  const { runtime, clock, version, store } = host;
  const opened = new GeneratorShelf(generators, corpus, host.files, host.generators);
  const workshop = new RecipeWorkshop({
    ...{ runtime, clock, version, store, corpus, shelf },
    stages: new StageStore(store),
    generators: opened,
    signal: host.signal ?? new AbortController().signal,
    pause: host.pause,
    checkpointSeconds: host.checkpointSeconds ?? 30,
    checkpoints: host.checkpoints,
    retrySeconds: host.retrySeconds ?? 1,
    pool: host.pool,
    gates: host.gates,
    lasts: host.lasts ?? true,
    keepVectors: host.keepVectors ?? false,
    onEvent: host.onEvent ?? (() => undefined),
  });
  return { workshop, shelf, generators: opened };
}

/** Computes stages that are not stored yet, and those that they need. */
export class RecipeWorkshop implements Workshop {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly version: string;
  readonly corpus: RecipeCorpus;
  readonly shelf: EncoderShelf;
  readonly store: Store;
  signal: AbortSignal;
  readonly pause: PauseSwitch | undefined;
  rates: Rates | undefined;
  readonly #parts: WorkshopParts;
  readonly #log = new Map<string, StageLogEntry>();
  readonly #lists = new Map<string, readonly ListRecord[]>();
  readonly #bm25 = new Map<string, Bm25Index>();
  readonly #vectors = new Map<string, VectorIndex>();
  /** Under which keys vectors of the corpus may lie in the store. */
  readonly #lasting = new Set<string>();
  #matmulRate: number | undefined;
  #generationLog: Promise<GenerationLog> | undefined;

  constructor(parts: WorkshopParts) {
    this.#parts = parts;
    this.runtime = parts.runtime;
    this.clock = parts.clock;
    this.version = parts.version;
    this.corpus = parts.corpus;
    this.shelf = parts.shelf;
    this.store = parts.store;
    this.signal = parts.signal;
    this.pause = parts.pause;
  }

  /** Every stage that was asked for so far, in the order in which they were finished. */
  get log(): readonly StageLogEntry[] {
    return [...this.#log.values()];
  }

  async isStored(stage: Stage): Promise<boolean> {
    return (await this.findResult(stage)) !== undefined;
  }

  /** The result of a stage, where it is stored. */
  async findResult<Value>(stage: Stage<Value>): Promise<StageResult<Value> | undefined> {
    return this.#logged(stage) ?? this.#parts.stages.find(stage.key);
  }

  /** What this job has found already. The key names the kind, and with it the type of the value. */
  #logged<Value>({ key }: Stage<Value>): StageResult<Value> | undefined {
    return this.#log.get(key)?.result as StageResult<Value> | undefined;
  }

  async resultOf<Value>(stage: Stage<Value>): Promise<StageResult<Value>> {
    const known = this.#logged(stage);
    if (known !== undefined) return known;
    const stored = await this.#parts.stages.find<Value>(stage.key);
    if (stored !== undefined) {
      this.#log.set(stage.key, { stage, result: stored, state: 'stored' });
      this.#parts.onEvent({ kind: 'stage', stage, state: 'stored', result: stored });
      // What a process left that was killed before it could.
      await stage.clear?.(this, stage);
      return stored;
    }
    for (const need of stage.needs) await this.resultOf(need);
    return this.#compute(stage);
  }

  async #compute<Value>(stage: Stage<Value>): Promise<StageResult<Value>> {
    const { onEvent, stages } = this.#parts;
    this.#refuseWhenStopped();
    onEvent({ kind: 'stage', stage, state: 'started' });
    const task: Task = {
      stage,
      progress: (done, total, detail = '', stageSecondsLeft) => {
        onEvent({
          ...{ kind: 'progress', stage, done, total, detail },
          ...(stageSecondsLeft !== undefined && { stageSecondsLeft }),
        });
        this.#refuseWhenStopped();
      },
      found: (count, what) => {
        if (count > 0) onEvent({ kind: 'found', stage, count, what });
      },
      warn: (warning) => onEvent({ kind: 'warning', stage, warning }),
      training: (event) => onEvent({ kind: 'training', stage, event }),
      view: (view) => onEvent({ kind: 'view', stage, view }),
      generation: (prompt, event) => onEvent({ kind: 'generation', stage, prompt, event }),
    };
    const startedAt = this.clock.now();
    const output = this.#withoutLists(stage, await stage.run(this, task));
    const seconds = (this.clock.now() - startedAt) / 1000;
    const fingerprint = { ...this.runtime.fingerprint, studio: this.version };
    const result = await stages.save(stage, output, seconds, fingerprint);
    await stage.clear?.(this, stage);
    this.#log.set(stage.key, { stage, result, state: 'computed' });
    onEvent({ kind: 'stage', stage, state: 'finished', result, seconds });
    return result;
  }

  /** The result of a stage that a worker computes and stores. @param compute resolves once it is stored */
  async resultFrom<Value>(
    stage: Stage<Value>,
    compute: (tell: (news: StageNews) => void) => Promise<void>,
  ): Promise<void> {
    const { onEvent, stages } = this.#parts;
    this.#refuseWhenStopped();
    onEvent({ kind: 'stage', stage, state: 'started' });
    await compute((news) => onEvent({ ...news, stage }));
    const result = await stages.find<Value>(stage.key);
    if (result === undefined) throw new Error(`${stage.label} was not stored`);
    this.#log.set(stage.key, { stage, result, state: 'computed' });
    onEvent({ kind: 'stage', stage, state: 'finished', result, seconds: result.seconds });
  }

  warn(stage: Stage, warning: string): void {
    this.#parts.onEvent({ kind: 'warning', stage, warning });
  }

  /** What is to be stored: where nothing lasts, lists stay as they are. */
  #withoutLists<Value>({ key }: Stage, output: StageOutput<Value>): StageOutput<Value> {
    const [lists, ...others] = output.blobs ?? [];
    if (this.#parts.lasts || lists === undefined || !('lists' in lists)) return output;
    this.#lists.set(key, lists.lists);
    return { ...output, blobs: others };
  }

  gateOf(stage: Stage, show: (view: View) => void): StepGate | undefined {
    return this.#parts.gates?.gateOf(stage, show);
  }

  #refuseWhenStopped(): void {
    if (this.signal.aborted) throw new RecipeStoppedError();
  }

  async listsOf(stage: ListsStage): Promise<readonly ListRecord[]> {
    await this.resultOf(stage);
    return this.#lists.get(stage.key) ?? decodeLists(await this.#blob(stage));
  }

  async rankingOf(stage: Stage): Promise<Ranking> {
    return decodeRanking(await this.#blob(stage));
  }

  async weightsOf(stage: Stage): Promise<Weights> {
    return decodeWeights(await this.#blob(stage));
  }

  async forcesOf(training: Stage): Promise<TrainingForces | undefined> {
    const { blobs } = await this.resultOf(training);
    const [, forces] = blobs;
    return forces && TrainingForces.read(await this.#parts.stages.readBlob(forces));
  }

  async vectorsOf(stage: Stage): Promise<TextVectors> {
    return readTextVectors(bytesSource(stage.label, await this.#blob(stage)));
  }

  async #blob(stage: Stage): Promise<Uint8Array<ArrayBuffer>> {
    const { blobs } = await this.resultOf(stage);
    const [blob] = blobs;
    if (blob === undefined) throw new Error(`${stage.label} has stored nothing`);
    return this.#parts.stages.readBlob(blob);
  }

  async bm25(settings: Bm25Settings, task?: Task): Promise<Bm25Index> {
    const key = JSON.stringify([settings.k1, settings.b, settings.analyzer]);
    let index = this.#bm25.get(key);
    if (index === undefined) {
      const { passages } = this.corpus;
      const builder = new Bm25Builder(settings);
      let done = 0;
      for await (const { id, text } of passages.read()) {
        builder.add(id, text);
        if (++done % reportedPassages === 0) task?.progress(done, passages.size, 'indexing');
      }
      index = builder.finish();
      this.#bm25.set(key, index);
    }
    return index;
  }

  async vectors(encoder: ShelvedEncoder, task: Task): Promise<VectorIndex> {
    let index = this.keptVectors(encoder);
    if (index === undefined) {
      index = await withEmbedder(
        this.runtime,
        encoder.model,
        (embedder) => this.#indexCorpus(vectorsKey(encoder), embedder, task),
        (warning) => task.warn(warning),
      );
      this.#vectors.set(vectorsKey(encoder), index);
    }
    return index;
  }

  async trainedVectors(training: Stage, embedder: Embedder, task: Task): Promise<VectorIndex> {
    const index = await this.#indexCorpus(training.key, embedder, task);
    if (this.#parts.keepVectors) this.#vectors.set(training.key, index);
    return index;
  }

  /** The corpus as vectors of an encoder or of a training, where they were made and kept. */
  keptVectors(of: ShelvedEncoder | Stage): VectorIndex | undefined {
    return this.#vectors.get('hash' in of ? vectorsKey(of) : of.key);
  }

  async #indexCorpus(key: string, embedder: Embedder, task: Task): Promise<VectorIndex> {
    const vectors = await this.embedCorpus(
      key,
      (texts, onProgress) => embedder.embed(texts, 'passage', { onProgress }),
      task,
    );
    return this.indexOf(vectors, embedder.dimensions);
  }

  async indexOf(vectors: Float32Array, dimensions: number): Promise<VectorIndex> {
    const ids: string[] = [];
    for await (const { id } of this.corpus.passages.read()) ids.push(id);
    return new VectorIndex(ids, vectors, dimensions, this.#parts.pool);
  }

  async embedCorpus(encoder: string, embed: EmbedChunk, task: Task): Promise<Float32Array> {
    const { passages } = this.corpus;
    const key = this.#lastingKey(encoder);
    this.#lasting.add(key);
    return lastingVectors(textsOf(passages), embed, {
      ...{ store: this.store, clock: this.clock, key, seconds: this.#parts.checkpointSeconds },
      onFound: (found) => task.found(found, 'passages'),
      onProgress: (done) => task.progress(done, passages.size),
    });
  }

  #lastingKey(encoder: string): string {
    return JSON.stringify([encoder, this.corpus.passages.hash, this.runtime.device]);
  }

  async clearTrainedVectors({ key }: Stage): Promise<void> {
    await this.#clearLasting(this.#lastingKey(key));
  }

  async #clearLasting(key: string): Promise<void> {
    if (this.#lasting.delete(key)) await clearVectors(this.store, key);
  }

  /** Takes the corpus's vectors out of the store, once every stage that reads them has its result there. */
  async clearLastingVectors(): Promise<void> {
    for (const key of [...this.#lasting]) await this.#clearLasting(key);
  }

  async matmulRate(): Promise<number> {
    this.#matmulRate ??= this.rates?.matmul ?? (await measureMatmulRate(this.runtime, this.clock));
    return this.#matmulRate;
  }

  get checkpointSeconds(): number {
    return this.#parts.checkpointSeconds;
  }

  get retrySeconds(): number {
    return this.#parts.retrySeconds;
  }

  async generator(role: string): Promise<Generator> {
    return this.#parts.generators.open(role);
  }

  generationLog(): Promise<GenerationLog> {
    this.#generationLog ??= GenerationLog.open(this.#parts.store);
    return this.#generationLog;
  }

  async keepPace(pace: string, seconds: number): Promise<void> {
    const fingerprint = { studio: this.version };
    await this.#parts.stages.save(
      { key: pace, kind: 'pace', inputs: null },
      { value: seconds },
      0,
      fingerprint,
    );
  }

  /** The seconds of one request that earlier runs took, of the stages that ask language models. */
  async pacesOf(stages: readonly Stage[]): Promise<ReadonlyMap<string, number>> {
    const paces = new Map<string, number>();
    for (const { work } of stages) {
      const kept = work.requests && (await this.#parts.stages.find<number>(work.requests.pace));
      if (kept !== undefined) paces.set(kept.key, kept.value);
    }
    return paces;
  }

  async checkpoints(stage: Stage, steps: number): Promise<CheckpointPlan | undefined> {
    const { store, checkpointSeconds, checkpoints } = this.#parts;
    if (checkpoints !== undefined) return checkpoints(stage);
    const expected = secondsOf(stage.work, this.rates);
    const namespace = checkpointNamespace(stage);
    // What an earlier run began, slower perhaps, goes on from where it was.
    const begun = (await store.keys(namespace)).length > 0;
    if (expected <= checkpointSeconds && !begun) return undefined;
    const writer = await store.openWriter(namespace);
    return {
      checkpoints: new CheckpointStore(writer, store),
      every: Math.max(1, Math.floor((steps * checkpointSeconds) / Math.max(expected, 1e-3))),
    };
  }

  async clearCheckpoints(stage: Stage): Promise<void> {
    const { store, checkpoints } = this.#parts;
    if (checkpoints !== undefined) return;
    const namespace = checkpointNamespace(stage);
    const keys = await store.keys(namespace);
    if (keys.length === 0) return;
    await (await store.openWriter(namespace)).commit({ delete: keys, forgetEarlier: true });
    await this.sweep();
  }

  /** Frees the bytes of what is needed no more. */
  async sweep(): Promise<void> {
    try {
      await this.store.sweep();
    } catch {
      // Every result stands. What could not be removed is removed by the next sweep.
    }
  }
}

/** Between two reports of an index's progress. */
const reportedPassages = 4096;

async function* textsOf(passages: Passages): AsyncGenerator<string, void> {
  for await (const { text } of passages.read()) yield text;
}

/** Where the checkpoints of a training lie until it is finished. */
function checkpointNamespace({ key }: Stage): string {
  return key.replace('/', '-').slice(0, 60);
}

function vectorsKey({ model, hash }: ShelvedEncoder): string {
  return `${hash} ${model.encoding.normalize}`;
}
