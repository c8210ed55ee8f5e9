/** Computes a part of a recipe, with the stages that whole recipes are made of. */
import * as v from 'valibot';
import type { SplitReport } from '../corpus/split.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { EncoderModel, Weights } from '../encoders/types.ts';
import { fillPrompt } from '../generation/fill-prompt.ts';
import type { GenerationTask } from '../generation/generation-run.ts';
import type { GenerationLog } from '../generation/log.ts';
import { promptName, type Prompt } from '../generation/prompt.ts';
import { taskSeed } from '../generation/run-generation.ts';
import { tasksFor } from '../generation/subject.ts';
import { writingSettingTable } from '../generation/writing-setting-table.ts';
import type { Device } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { Ranking } from '../retrieval/ranking.ts';
import { checkSources, checkTeacher, checkTeacherOfArm } from './check-recipe.ts';
import { Faults } from './faults.ts';
import { fragmentSchema, type Fragment, type FragmentInput } from './fragment-schema.ts';
import { writtenSets } from './held-out-queries.ts';
import { holdOut, type HeldOut } from './held-out.ts';
import type { RecipeJobParts } from './job.ts';
import { prepareLists, type PreparationOptions, type PreparedLists } from './prepared-lists.ts';
import { noCorpus, readCorpus, type ReadCorpusOptions, type RecipeCorpus } from './recipe-corpus.ts';
import { readEvidence, type Evidence } from './recipe-evidence.ts';
import { ambiguousQueries, readDevFile, type FileLists } from './recipe-lists.ts';
import { bm25Retriever, retrieverOf } from './retriever.ts';
import type { DiagnosticsSettings } from './schema/diagnostics.ts';
import { filesOfSources, SourceShelf, warningsOfSources } from './source-shelf.ts';
import { isWritten, openWriting, type OpenedWriting } from './sources/generated.ts';
import type { ListsStage, Stage } from './stage.ts';
import { ArmBuilder, devStageOf, expectedDevPassages, trainingOf, type ArmStages } from './stage-graph.ts';
import type { StageResult } from './stage-store.ts';
import { diagnosedStage, type DiagnosisReport } from './stages/diagnosed.ts';
import { rankingStage } from './stages/ranking.ts';
import { comparedBy, type TrainingReport } from './stages/training.ts';
import { settingsFor } from './training-settings.ts';
import {
  openWorkshop,
  type OpenedWorkshop,
  type RecipeWorkshop,
  type StageEvent,
  type WorkshopHost,
} from './workshop.ts';

export interface FragmentParts
  extends
    Omit<RecipeJobParts, 'recipe' | 'onEvent' | 'keepVectors'>,
    Pick<WorkshopHost, 'checkpoints' | 'lasts'> {
  readonly fragment: FragmentInput;
  readonly onEvent?: (event: StageEvent) => void;
  readonly onPassage?: ReadCorpusOptions['onPassage'];
}

/** The training of a fragment's arm, with what it is made of. */
export interface FragmentTraining {
  readonly stage: Stage<TrainingReport>;
  readonly arm: ArmStages;
  /** As the arm searches with it, untrained. */
  readonly encoder: EncoderModel;
  readonly lists: readonly ListRecord[];
  /** Empty where nothing chooses. */
  readonly dev: readonly ListRecord[];
  /** What was requested as dev and what resulted, where it is a share. */
  readonly split: SplitReport | undefined;
  readonly settings: TrainingSettings;
}

/** The first of a prompt's requests, where there is anything to ask about. */
export interface FirstRequest {
  readonly prompt: Prompt;
  readonly task: GenerationTask | undefined;
  readonly filled: ReturnType<typeof fillPrompt> | undefined;
}

interface FragmentContents {
  readonly fragment: Fragment;
  readonly opened: OpenedWorkshop;
  readonly sources: SourceShelf;
  readonly heldOut: HeldOut;
  readonly fileLists: ReadonlyMap<string, FileLists>;
  readonly devFile: FileLists | undefined;
  readonly evidence: readonly Evidence[];
}

export class FragmentJob {
  readonly corpus: RecipeCorpus;
  /** What the readers noticed, and what settings are known to do to results, one line each. */
  readonly warnings: readonly string[];
  readonly #contents: FragmentContents;

  private constructor(contents: FragmentContents) {
    const { fragment, opened, fileLists, devFile } = contents;
    this.#contents = contents;
    this.corpus = opened.workshop.corpus;
    const files = [...fileLists.values(), ...(devFile === undefined ? [] : [devFile])];
    this.warnings = [
      ...this.corpus.warnings,
      ...files.flatMap(({ warnings }) => warnings),
      ...(fileLists.size > 1 ? ambiguousQueries([...fileLists.values()].flatMap(({ lists }) => lists)) : []),
      ...warningsOfSources(fragment),
    ];
  }

  /** Reads the corpus, the lists and the models. @throws InputError naming what does not fit, before any work */
  static async open(parts: FragmentParts): Promise<FragmentJob> {
    // JSON has no undefined, which would count as given.
    const fragment = v.parse(fragmentSchema, JSON.parse(JSON.stringify(parts.fragment)));
    checkFragment(fragment);
    const { files, runtime } = parts;
    const corpus =
      fragment.corpus.folder === undefined
        ? await noCorpus()
        : await readCorpus(fragment.corpus, files, {
            mostBytesInMemory: parts.mostCorpusBytesInMemory,
            onPassage: parts.onPassage,
            warnsAboutTrain: true,
          });
    const opened = openWorkshop(parts, fragment.generators, corpus);
    const { shelf, generators } = opened;
    const trained = fragment.arms.length > 0 ? fragment.encoder : undefined;
    const encoder = trained && (await openEncoder(trained, opened));
    const fileLists = await filesOfSources(fragment.sources, corpus, files);
    const allLists = [...fileLists.values()].flatMap(({ lists }) => lists);
    const devFile = await readDevFile(fragment.corpus, corpus, files);
    const heldOut = await holdOut(
      fragment.corpus,
      corpus,
      allLists,
      devFile,
      await writtenSets(fragment, { corpus, generators }),
    );
    const sources = new SourceShelf(
      fragment,
      { corpus, runtime, shelf, generators, files },
      { encoder, heldOut, fileLists },
    );
    const evidence = await readEvidence(fragment.evidence, corpus, files);
    return new FragmentJob({ fragment, opened, sources, heldOut, fileLists, devFile, evidence });
  }

  get #workshop(): RecipeWorkshop {
    return this.#contents.opened.workshop;
  }

  get device(): Device {
    return this.#workshop.runtime.device;
  }

  /** The lists of the file that dev names, as they are read. */
  get devFileLists(): readonly ListRecord[] {
    return this.#contents.devFile?.lists ?? [];
  }

  /** The lists of a file that a source names, as they are read. */
  fileListsOf(source: string): readonly ListRecord[] {
    return this.#contents.fileLists.get(source)?.lists ?? [];
  }

  /** The lists of a source with everything that the fragment has for them. */
  lists(source: string, filters?: string, options?: PreparationOptions): Promise<PreparedLists> {
    const { fragment, sources, evidence } = this.#contents;
    const parts = {
      ...{ teacher: fragment.teacher, filters: fragment.filters, evidence },
      guide: fragment.evidence.guide,
    };
    return prepareLists(sources, parts, source, filters, { everything: true, ...options });
  }

  /** What the encoder finds for the test queries, or BM25 where there is none. */
  async ranking(label: string): Promise<Stage<null>> {
    const { fragment, opened, heldOut } = this.#contents;
    const { encoder, evaluation } = fragment;
    const { model = '', ...overrides } = encoder ?? {};
    const retriever =
      encoder === undefined
        ? bm25Retriever(evaluation.bm25)
        : retrieverOf(await opened.shelf.anyEncoder(model, overrides), this.#workshop.runtime);
    const { corpus } = this.#workshop;
    return rankingStage({ corpus, test: heldOut.test }, label, retriever, evaluation);
  }

  /** What the lists of a source look like. */
  async diagnosis(
    source: string,
    settings: Pick<DiagnosticsSettings, 'loss' | 'sample' | 'seed'>,
  ): Promise<Stage<DiagnosisReport>> {
    const { fragment, opened, sources } = this.#contents;
    const { lists, expected } = await sources.source(source);
    const encoder = fragment.encoder && (await openEncoder(fragment.encoder, opened));
    return diagnosedStage(settings, [{ name: null, lists, passages: expected.passages }], encoder, undefined);
  }

  /** The queries that a source writes for the held-out passages of the test set, one list for each. */
  async heldOutLists(): Promise<readonly ListRecord[]> {
    const { test } = this.#contents.heldOut.sets;
    return test === undefined ? [] : this.listsOf(test.stage);
  }

  /** What a generator is asked first of each of a source's prompts. */
  async firstRequests(source: string): Promise<readonly FirstRequest[]> {
    const { prompts, about, seed } = await this.#openWriting(source);
    const subject = await about.open(this.#workshop);
    return prompts.map((prompt) => {
      const [task] = tasksFor(prompt, subject);
      const filled = task && fillPrompt(prompt, task.slots, taskSeed(seed, prompt.id, task.id));
      return { prompt, task, filled };
    });
  }

  /** What names the replies of a source in the log: the model, and its prompts with their versions. */
  async repliesOf(
    source: string,
  ): Promise<{ readonly model: string; readonly prompts: ReadonlySet<string> }> {
    const { role, prompts } = await this.#openWriting(source);
    const { model } = await this.#contents.opened.generators.identityOf(role);
    return { model, prompts: new Set(prompts.map(promptName)) };
  }

  async #openWriting(name: string): Promise<OpenedWriting & { readonly seed: number }> {
    const { fragment, sources, opened } = this.#contents;
    const source = own(fragment.sources, name);
    if (source?.kind !== 'generated' || !isWritten(source, opened.generators.byName)) {
      throw new Error(`${name} is not a generated source`);
    }
    const writing = await openWriting(source, sources.contextOf(name));
    return { ...writing, seed: source.seed ?? writingSettingTable.seed.default };
  }

  /** Every reply that language models gave to commands and recipes of this store. */
  generationLog(): Promise<GenerationLog> {
    return this.#workshop.generationLog();
  }

  /** The training of the first arm. @param label names it in errors and progress */
  async training(seed: number, label: string): Promise<FragmentTraining> {
    const { fragment, opened, sources, heldOut, evidence } = this.#contents;
    if (fragment.encoder === undefined) throw new Error('the fragment has no encoder to train');
    const encoder = await openEncoder(fragment.encoder, opened);
    const [arm] = await new ArmBuilder(fragment, sources, encoder, evidence).build();
    if (arm === undefined) throw new Error('the fragment has no arm to train');
    const devStage = await devStageOf(fragment, this.corpus, heldOut);
    const { runtime } = this.#workshop;
    const devPassages = expectedDevPassages(
      heldOut,
      fragment.corpus.devCandidates,
      this.corpus.passages.size,
    );
    const stage = await trainingOf({ runtime, encoder, dev: devStage, devPassages }, arm, seed, label);
    const lists = await this.listsOf(arm.lists);
    if (lists.length === 0) {
      throw new InputError('no list is left to train on', {
        remedy: 'Use other dev lists, or hold out fewer lists',
      });
    }
    const settings = settingsFor(lists, arm.training, arm.loss, {
      ...{ seed, mix: arm.mix },
      shape: encoder.model.shape,
    });
    return {
      ...{ stage, arm, lists, settings, split: heldOut.split },
      encoder: comparedBy(encoder.model, settings.similarity),
      dev: devStage === undefined ? [] : await this.listsOf(devStage),
    };
  }

  /** The result of a stage, computed if it is not stored. @throws RecipeStoppedError where it was asked to end */
  async resultOf<Value>(stage: Stage<Value>): Promise<StageResult<Value>> {
    const result = await this.#workshop.resultOf(stage);
    await this.#workshop.clearLastingVectors();
    return result;
  }

  listsOf(stage: ListsStage): Promise<readonly ListRecord[]> {
    return this.#workshop.listsOf(stage);
  }

  rankingOf(stage: Stage): Promise<Ranking> {
    return this.#workshop.rankingOf(stage);
  }

  weightsOf(stage: Stage): Promise<Weights> {
    return this.#workshop.weightsOf(stage);
  }
}

/** An encoder of the studio's own: what trains, and what gradients are taken of. */
function openEncoder({ model, ...overrides }: NonNullable<Fragment['encoder']>, { shelf }: OpenedWorkshop) {
  return shelf.encoder(model, overrides);
}

/** @throws InputError for what the sources get wrong */
function checkFragment({ corpus, generators, sources, teacher, arms }: Fragment): void {
  const faults = new Faults();
  checkSources({ corpus, generators, sources }, faults);
  checkTeacher({ teacher }, faults);
  arms.forEach((arm, i) => checkTeacherOfArm({ teacher }, arm, i, faults));
  const [first] = faults.lines;
  if (first !== undefined)
    throw new InputError(first, { remedy: 'Fix the recipe; docs/recipes.md describes its members' });
}
