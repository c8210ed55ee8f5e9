/** Compares encoders as they are on judged queries, with BM25 and fused with it. Nothing is trained. */
import * as v from 'valibot';
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import { queriesBy } from '../corpus/queries.ts';
import type { Judgments, QueriesBy } from '../corpus/types.ts';
import type { LibraryEncoder } from '../encoders/model-library.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import type { MeasuredSystem, PairResult, QueryValues } from '../metrics/compare-systems.ts';
import { bootstrapInterval } from '../metrics/significance/bootstrap.ts';
import { parameterCounts } from '../training/parameter-selection.ts';
import { hybridName } from './baseline-name.ts';
import type { ShelvedEncoder } from './encoder-shelf.ts';
import type { PlannedStage } from './plan.ts';
import { hashJudged, readCorpus, type JudgedQueries, type RecipeCorpus } from './recipe-corpus.ts';
import { openPlace, readFileLists, type FileLists } from './recipe-lists.ts';
import { bm25Retriever, retrieverOf } from './retriever.ts';
import { evaluationSchema, type EvaluationSettings } from './schema/evaluation.ts';
import type { Stage } from './stage.ts';
import { comparisonStage } from './stages/comparison.ts';
import { encodingSpeedStage, type EncodingSpeed } from './stages/encoding-speed.ts';
import { queriesOfSplit, type QuerySet } from './query-set.ts';
import { rankingStage } from './stages/ranking.ts';
import { proposeStart, type StartProposal } from './start-proposal.ts';
import { TimeLeft, type TimeRange } from './time-left.ts';
import { openWorkshop, type RecipeWorkshop, type StageEvent, type WorkshopHost } from './workshop.ts';

/** What is measured; the first decides. */
export const comparedMeasures = ['ndcg_cut_10', 'recall_100'] as const;

/** What is compared, on which queries. */
export interface ModelChoices {
  readonly corpus: {
    readonly folder?: string | undefined;
    readonly builtIn?: 'demo' | undefined;
    readonly titles?: boolean | undefined;
    /** Whose judged queries are searched for. */
    readonly split: string;
  };
  /** A file of training lists, such as `generate` writes, whose positives are the judgments in place of a split's. */
  readonly lists?: string | undefined;
  /** Built-in names, folders and hub ids. */
  readonly models: readonly string[];
  /** Over the models' own settings. */
  readonly encoding?: EncodingOverrides | undefined;
  readonly evaluation?: Pick<
    v.InferInput<typeof evaluationSchema>,
    'alpha' | 'bm25' | 'depth' | 'dropIdentical' | 'level' | 'samples'
  >;
}

/** With how long the comparison still takes, once every encoder was opened. */
export type ModelComparisonEvent = StageEvent & { readonly secondsLeft?: TimeRange };

export type ModelComparisonHost = Omit<WorkshopHost, 'onEvent'> & {
  readonly onEvent?: (event: ModelComparisonEvent) => void;
  /** An encoder was left out: it could not be opened or run. */
  readonly onFailed?: (failed: FailedModel) => void;
  readonly onWarning?: (warning: string) => void;
};

/** A mean over the queries with its bootstrap interval. */
export type MeanWithInterval = Readonly<{ mean: number; interval: readonly [number, number] }>;

/** A type alias, as all of these, so that it is assignable to Json. */
export type ComparedRow = Readonly<{
  /** `bm25`, a model's name, or `NAME + bm25`. */
  system: string;
  kind: 'bm25' | 'encoder' | 'hybrid';
  /** Undefined for BM25; those of a hybrid are its encoder's. */
  encoder: ComparedEncoder | null;
  metrics: Readonly<Record<string, MeanWithInterval>>;
  /** Against BM25, by measure. */
  tests: Readonly<Record<string, PairResult>>;
}>;

export type ComparedEncoder = Readonly<{
  model: string;
  /** Null where transformers.js runs it. */
  parameters: number | null;
  dimensions: number;
  /** On this machine. */
  passagesPerSecond: number;
  canBeTrained: boolean;
}>;

export type FailedModel = Readonly<{ model: string; problem: string; remedy: string | null }>;

export type ModelComparison = Readonly<{
  corpus: Readonly<{
    name: string;
    passages: number;
    queries: number;
    judgedBy: string;
    /** Who made the queries, where the corpus says that people did not ask them. */
    queriesBy?: QueriesBy;
  }>;
  alpha: number;
  /** BM25, then each encoder and its fusion with BM25. */
  rows: readonly ComparedRow[];
  failed: readonly FailedModel[];
  /** Null where no encoder that can be trained was compared. */
  proposal: StartProposal | null;
}>;

/** An encoder that was opened once, and is opened again when it is its turn: all at once may not fit in memory. */
interface Contestant {
  readonly model: string;
  readonly ranking: Stage<null>;
  readonly encoder: ComparedEncoder;
}

/**
 * Ranks the judged queries with BM25 and with each encoder, and tests each encoder, and its reciprocal rank fusion with
 * BM25, against BM25. Stages are cached in the host's store. An encoder that cannot be opened or run is left out, and
 * the others go on.
 * @throws InputError if the corpus or its judgments cannot be read, or no encoder is left
 * @throws RecipeStoppedError where the signal asked for an end
 */
export async function compareModels(
  choices: ModelChoices,
  host: ModelComparisonHost,
): Promise<ModelComparison> {
  const models = [...new Set(choices.models)];
  if (models.length === 0) throw new InputError('no model was chosen', { remedy: 'Choose at least one' });
  if (models.includes('bm25')) {
    throw new InputError('BM25 is compared in any case', {
      remedy: 'Remove bm25 from the models; use ./bm25 for a folder of that name',
    });
  }
  const { corpus, judgedBy } = await openCorpus(choices, host);
  const comparison = new Comparison(choices, host, corpus);
  for (const model of models) await comparison.inspect(model);
  await comparison.rank();
  return comparison.finish(judgedBy);
}

/** The corpus with the queries that are to be searched for as its test queries. */
async function openCorpus(
  { corpus: chosen, lists }: ModelChoices,
  { files, onWarning }: ModelComparisonHost,
): Promise<{ readonly corpus: RecipeCorpus; readonly judgedBy: string }> {
  const { folder, builtIn, titles = true, split } = chosen;
  const test = lists === undefined ? split : null;
  const corpus = await readCorpus(
    { folder, builtIn, titles, train: null, dev: null, devCandidates: 0, test },
    files,
  );
  for (const warning of corpus.warnings) onWarning?.(warning);
  if (lists === undefined) return { corpus, judgedBy: split };
  const read = await readFileLists(await openPlace({ file: lists }, corpus, files), corpus);
  for (const warning of read.warnings) onWarning?.(warning);
  return { corpus: { ...corpus, test: await judgedByLists(read, corpus) }, judgedBy: read.file };
}

/** The queries of lists, judged by their positives. @throws InputError if none of them is in the corpus */
async function judgedByLists(
  { file, lists }: FileLists,
  { passages }: Pick<RecipeCorpus, 'passages'>,
): Promise<JudgedQueries> {
  const positives = lists.flatMap(({ query_id, query, documents }) =>
    documents.flatMap(({ id, label = 0 }) => (label > 0 ? [{ query_id, query, id, label }] : [])),
  );
  const known = new Set<string>();
  const wanted = new Set(positives.map(({ id }) => id));
  for await (const { id } of passages.read()) if (wanted.has(id)) known.add(id);
  const queries = new Map<string, string>();
  const judgments = new Map<string, Map<string, number>>();
  for (const { query_id, query, id, label } of positives) {
    if (!known.has(id)) continue;
    queries.set(query_id, queries.get(query_id) ?? query);
    const grades = judgments.get(query_id) ?? new Map<string, number>();
    judgments.set(query_id, grades.set(id, Math.max(label, grades.get(id) ?? 0)));
  }
  if (queries.size === 0) {
    throw new InputError('none of its positives is a passage of the corpus', {
      file,
      remedy: 'Use lists that were made of this corpus',
    });
  }
  const asked = [...queries].map(([id, text]) => ({ id, text }));
  return { queries: asked, judgments, hash: await hashJudged(asked, judgments satisfies Judgments) };
}

class Comparison {
  readonly #choices: ModelChoices;
  readonly #host: ModelComparisonHost;
  readonly #corpus: RecipeCorpus;
  readonly #tested: QuerySet;
  readonly #evaluation: EvaluationSettings;
  /** Of what is planned, once it is. */
  #left: TimeLeft | undefined;
  readonly #planned: PlannedStage[] = [];
  readonly #failed: FailedModel[] = [];
  #contestants: readonly Contestant[] = [];
  #firstError: unknown;

  constructor(choices: ModelChoices, host: ModelComparisonHost, corpus: RecipeCorpus) {
    this.#choices = choices;
    this.#host = host;
    this.#corpus = corpus;
    this.#tested = queriesOfSplit(corpus.test);
    this.#evaluation = v.parse(evaluationSchema, {
      ...choices.evaluation,
      measures: [...comparedMeasures],
      baselines: ['bm25'],
      against: 'bm25',
      disjoint: false,
    });
  }

  /** Opens an encoder and measures its speed, which the plan needs. */
  async inspect(model: string): Promise<void> {
    await this.#unlessItFails(model, async () => {
      const workshop = this.#workshop();
      const opened = await this.#open(model, workshop);
      const { name, encoder } = opened;
      const speedStage = await encodingSpeedStage(workshop, name, encoder);
      const { value: speed } = await workshop.resultOf(speedStage);
      const ranking = await this.#rankingOf(opened, workshop);
      const { passages, test } = this.#corpus;
      const texts = passages.size + test.queries.length;
      this.#planned.push({
        ...{ kind: ranking.kind, label: ranking.label, key: ranking.key, cost: ranking.label },
        stored: await workshop.isStored(ranking),
        seconds: texts / speed.passagesPerSecond,
      });
      this.#contestants = [...this.#contestants, { model, ranking, encoder: factsOf(model, encoder, speed) }];
    });
  }

  /** Ranks the queries with every encoder. */
  async rank(): Promise<void> {
    this.#left = new TimeLeft();
    this.#left.expect({ stages: this.#planned, trainingsAtOnce: 1 });
    const bm25 = await this.#bm25();
    await this.#workshop().resultOf(bm25);
    for (const { model, ranking } of this.#contestants) {
      const isRanked = await this.#unlessItFails(model, async () => {
        // The vectors of one encoder at a time are in memory.
        const workshop = this.#workshop();
        await workshop.resultOf(ranking);
        await workshop.clearLastingVectors();
      });
      if (!isRanked) this.#contestants = this.#contestants.filter((each) => each.model !== model);
    }
  }

  async finish(judgedBy: string): Promise<ModelComparison> {
    if (this.#contestants.length === 0) throw this.#firstError;
    const encoders = this.#contestants.map(({ model }) => model);
    const evaluation = {
      ...this.#evaluation,
      hybrids: encoders,
      pairs: encoders.map((model): [string, string] => [hybridName(model), 'bm25']),
    };
    const systems = [
      { name: 'bm25', rankings: [await this.#bm25()] },
      ...this.#contestants.map(({ model, ranking }) => ({ name: model, rankings: [ranking] })),
    ];
    const arms = encoders.map((name) => ({ name }));
    const stage = await comparisonStage(
      { test: this.#tested, train: undefined },
      { evaluation, arms },
      systems,
    );
    const { value } = await this.#workshop().resultOf(stage);
    const { alpha, samples } = evaluation;
    const { name, passages, test } = this.#corpus;
    const rowOf = (
      system: string,
      kind: ComparedRow['kind'],
      encoder: ComparedEncoder | null,
    ): ComparedRow => ({
      ...{ system, kind, encoder },
      metrics: withIntervals(
        value.all.systems.find((each) => each.name === system),
        value.perQuery,
        { level: 1 - alpha, samples },
      ),
      tests: Object.fromEntries(
        value.all.comparisons.filter((pair) => pair.system === system).map((pair) => [pair.metric, pair]),
      ),
    });
    const rows = [
      rowOf('bm25', 'bm25', null),
      ...this.#contestants.flatMap(({ model, encoder }) => [
        rowOf(model, 'encoder', encoder),
        rowOf(hybridName(model), 'hybrid', encoder),
      ]),
    ];
    const by = queriesBy(test.queries);
    return {
      corpus: {
        ...{ name, passages: passages.size, queries: test.queries.length, judgedBy },
        ...(by !== undefined && { queriesBy: by }),
      },
      ...{ alpha, rows, failed: this.#failed },
      proposal: proposalOf(rows, value.perQuery, { alpha, samples }) ?? null,
    };
  }

  #bm25(): Promise<Stage<null>> {
    const { bm25, depth, dropIdentical } = this.#evaluation;
    return rankingStage({ corpus: this.#corpus, test: this.#tested }, 'bm25', bm25Retriever(bm25), {
      depth,
      dropIdentical,
    });
  }

  /** The stage holds no model: it opens its encoder when it runs. */
  async #rankingOf(opened: OpenedEncoder, workshop: RecipeWorkshop): Promise<Stage<null>> {
    const { name, encoder } = opened;
    const retriever = retrieverOf(encoder, workshop.runtime);
    const stage = await rankingStage(
      { corpus: this.#corpus, test: this.#tested },
      name,
      retriever,
      this.#evaluation,
    );
    const { kind, version, onDevice, label, key, inputs, needs, work } = stage;
    return {
      ...{ kind, version, label, key, inputs, needs, work },
      ...(onDevice !== undefined && { onDevice }),
      run: async (where, task) => {
        const again = await this.#open(name, where);
        const made = await rankingStage(
          { corpus: this.#corpus, test: this.#tested },
          name,
          retrieverOf(again.encoder, where.runtime),
          this.#evaluation,
        );
        return made.run(where, task);
      },
    };
  }

  async #open(name: string, { shelf }: Pick<RecipeWorkshop, 'shelf'>): Promise<OpenedEncoder> {
    return { name, encoder: await shelf.anyEncoder(name, this.#choices.encoding ?? {}) };
  }

  /** Each encoder has a workshop of its own, and with it goes what it holds in memory. */
  #workshop(): RecipeWorkshop {
    const { onEvent } = this.#host;
    const { workshop } = openWorkshop(
      {
        ...this.#host,
        onEvent: (event) => {
          const secondsLeft = this.#left?.after(event);
          onEvent?.({ ...event, ...(secondsLeft !== undefined && { secondsLeft }) });
        },
      },
      {},
      this.#corpus,
    );
    return workshop;
  }

  /** @returns whether it was done */
  async #unlessItFails(model: string, task: () => Promise<void>): Promise<boolean> {
    try {
      await task();
      return true;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#firstError ??= error;
      const { file, line, problem, remedy } = error;
      const place = file === undefined || file === model ? '' : `${file}${line ? `:${line}` : ''}: `;
      const failed = { model, problem: `${place}${problem}`, remedy };
      this.#failed.push(failed);
      this.#host.onFailed?.(failed);
      return false;
    }
  }
}

interface OpenedEncoder {
  readonly name: string;
  readonly encoder: ShelvedEncoder | LibraryEncoder;
}

function factsOf(
  model: string,
  encoder: OpenedEncoder['encoder'],
  { dimensions, passagesPerSecond }: EncodingSpeed,
): ComparedEncoder {
  const isOurs = 'model' in encoder;
  return {
    ...{ model, dimensions, passagesPerSecond },
    parameters: isOurs ? parameterCounts(encoder.model.shape, { kind: 'all' }).all : null,
    canBeTrained: isOurs,
  };
}

/** The means of a system with their intervals, of at least one query. */
function withIntervals(
  system: MeasuredSystem | undefined,
  { systems }: QueryValues,
  options: { readonly level: number; readonly samples: number },
): Record<string, MeanWithInterval> {
  const values = own(systems, system?.name ?? '') ?? {};
  return Object.fromEntries(
    Object.entries(system?.metrics ?? {}).map(([metric, { mean }]) => [
      metric,
      { mean, interval: bootstrapInterval(own(values, metric) ?? [], options) },
    ]),
  );
}

function proposalOf(
  rows: readonly ComparedRow[],
  { systems }: QueryValues,
  options: { readonly alpha: number; readonly samples: number },
): StartProposal | undefined {
  const [metric] = comparedMeasures;
  const candidates = rows.flatMap(({ system, kind, encoder, metrics }) => {
    const values = own(own(systems, system) ?? {}, metric)?.[0];
    if (kind !== 'encoder' || encoder?.canBeTrained !== true || values === undefined) return [];
    const { model, passagesPerSecond } = encoder;
    return [{ model, values, mean: own(metrics, metric)?.mean ?? 0, passagesPerSecond }];
  });
  return proposeStart(candidates, options);
}
