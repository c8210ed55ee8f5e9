/** Computes a part of a recipe, with the stages that whole recipes are made of. */
import * as v from 'valibot';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import type { Ranking } from '../retrieval/ranking.ts';
import { checkSources } from './check-recipe.ts';
import { Faults } from './faults.ts';
import { fragmentSchema, type Fragment, type FragmentInput } from './fragment-schema.ts';
import { holdOut } from './held-out.ts';
import type { RecipeJobParts } from './job.ts';
import { prepareLists, type PreparationOptions, type PreparedLists } from './prepared-lists.ts';
import { noCorpus, readCorpus, type ReadCorpusOptions, type RecipeCorpus } from './recipe-corpus.ts';
import { readEvidence } from './recipe-evidence.ts';
import { bm25Retriever, retrieverOf } from './retriever.ts';
import type { DiagnosticsSettings } from './schema/diagnostics.ts';
import { filesOfSources, SourceShelf, warningsOfSources } from './source-shelf.ts';
import type { ListsStage, Stage } from './stage.ts';
import type { StageResult } from './stage-store.ts';
import { diagnosedStage, type DiagnosisReport } from './stages/diagnosed.ts';
import { rankingStage } from './stages/ranking.ts';
import { openWorkshop, type OpenedWorkshop, type StageEvent } from './workshop.ts';

export interface FragmentParts extends Omit<RecipeJobParts, 'recipe' | 'onEvent' | 'keepVectors'> {
  readonly fragment: FragmentInput;
  readonly onEvent?: (event: StageEvent) => void;
  readonly onPassage?: ReadCorpusOptions['onPassage'];
}

/** The one source of most fragments. */
export const theSource = 'lists';

export class FragmentJob {
  readonly corpus: RecipeCorpus;
  /** What the readers noticed, and what settings are known to do to results, one line each. */
  readonly warnings: readonly string[];
  readonly #fragment: Fragment;
  readonly #opened: OpenedWorkshop;
  readonly #sources: SourceShelf;
  readonly #preparation: Parameters<typeof prepareLists>[1];

  private constructor(
    fragment: Fragment,
    opened: OpenedWorkshop,
    sources: SourceShelf,
    preparation: Parameters<typeof prepareLists>[1],
    warnings: readonly string[],
  ) {
    this.#fragment = fragment;
    this.#opened = opened;
    this.#sources = sources;
    this.#preparation = preparation;
    this.corpus = opened.workshop.corpus;
    this.warnings = warnings;
  }

  /** Reads the corpus, the lists and the models. @throws InputError naming what does not fit, before any work */
  static async open(parts: FragmentParts): Promise<FragmentJob> {
    const fragment = v.parse(fragmentSchema, JSON.parse(JSON.stringify(parts.fragment)));
    checkFragment(fragment);
    const { files } = parts;
    const corpus =
      fragment.corpus === undefined
        ? await noCorpus()
        : await readCorpus(fragment.corpus, files, {
            mostBytesInMemory: parts.mostCorpusBytesInMemory,
            onPassage: parts.onPassage,
            warnsAboutTrain: true,
          });
    const opened = openWorkshop(parts, fragment.generators, corpus);
    const { shelf, generators } = opened;
    const encoder = fragment.encoder && (await openEncoder(fragment.encoder, opened));
    const fileLists = await filesOfSources(fragment.sources, corpus, files);
    const allLists = [...fileLists.values()].flatMap(({ lists }) => lists);
    const heldOut = await holdOut(fragment.corpus ?? { dev: null }, corpus, allLists);
    const { runtime } = parts;
    const sources = new SourceShelf(
      fragment,
      { corpus, runtime, shelf, generators, files },
      { encoder, heldOut, fileLists },
    );
    const { teacher, filters, evidence } = fragment;
    const read = await readEvidence(evidence, corpus, files);
    const preparation = { teacher, filters, guide: evidence.guide, evidence: read };
    return new FragmentJob(fragment, opened, sources, preparation, [
      ...corpus.warnings,
      ...[...fileLists.values()].flatMap(({ warnings }) => warnings),
      ...warningsOfSources(fragment),
    ]);
  }

  /** The lists of a source with everything that the fragment has for them. */
  lists(source: string, filters?: string, options?: PreparationOptions): Promise<PreparedLists> {
    return prepareLists(this.#sources, this.#preparation, source, filters, { everything: true, ...options });
  }

  /** What the encoder finds for the test queries, or BM25 where there is none. */
  async ranking(label: string): Promise<Stage<null>> {
    const { encoder, evaluation } = this.#fragment;
    const { workshop, shelf } = this.#opened;
    const { model = '', ...overrides } = encoder ?? {};
    const retriever =
      encoder === undefined
        ? bm25Retriever(evaluation.bm25)
        : retrieverOf(await shelf.anyEncoder(model, overrides), workshop.runtime);
    return rankingStage(workshop, label, retriever, evaluation);
  }

  /** What the lists of a source look like. */
  async diagnosis(
    source: string,
    settings: Pick<DiagnosticsSettings, 'loss' | 'sample' | 'seed'>,
  ): Promise<Stage<DiagnosisReport>> {
    const { lists, expected } = await this.#sources.source(source);
    const { encoder } = this.#fragment;
    const opened = encoder && (await openEncoder(encoder, this.#opened));
    return diagnosedStage(settings, [{ name: null, lists, passages: expected.passages }], opened, undefined);
  }

  /** The result of a stage, computed if it is not stored. @throws RecipeStoppedError where it was asked to end */
  async resultOf<Value>(stage: Stage<Value>): Promise<StageResult<Value>> {
    const result = await this.#opened.workshop.resultOf(stage);
    await this.#opened.workshop.clearLastingVectors();
    return result;
  }

  listsOf(stage: ListsStage): Promise<readonly ListRecord[]> {
    return this.#opened.workshop.listsOf(stage);
  }

  rankingOf(stage: Stage): Promise<Ranking> {
    return this.#opened.workshop.rankingOf(stage);
  }
}

/** An encoder of the studio's own: what trains, and what gradients are taken of. */
function openEncoder({ model, ...overrides }: NonNullable<Fragment['encoder']>, { shelf }: OpenedWorkshop) {
  return shelf.encoder(model, overrides);
}

/** @throws InputError for what the sources get wrong */
function checkFragment({ corpus, generators, sources }: Fragment): void {
  const faults = new Faults();
  checkSources({ corpus: corpus ?? { train: null }, generators, sources }, faults);
  const [first] = faults.lines;
  if (first !== undefined)
    throw new InputError(first, { remedy: 'docs/recipes.md says what a recipe may hold' });
}
