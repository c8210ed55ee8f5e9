import type { HubRecord } from '../import/hub-dataset.ts';
import { queriesBy } from '../corpus/queries.ts';
import { splitNote, type SplitReport } from '../corpus/split.ts';
import type { QueriesBy } from '../corpus/types.ts';
import { formatLossSpec, type LossSpec } from '../losses/loss-spec.ts';
import { evaluate } from '../metrics/evaluate.ts';
import { measureNames, parseMeasures } from '../metrics/measures/registry.ts';
import { rankingToRun, type RankedDocument, type Ranking } from '../retrieval/ranking.ts';
import { keptRepeats } from '../training/repeat-test.ts';
import { sourceName } from './arm-mix.ts';
import { writtenSetReport, type WrittenSetReport } from './written-sets.ts';
import { writtenSetNote } from './test-queries-text.ts';
import type { FilteredReport, ListsReport } from './lists-report.ts';
import type { Recipe } from './schema.ts';
import type { Stage } from './stage.ts';
import type { ArmStages, StageGraph } from './stage-graph.ts';
import type { ComparisonReport } from './stages/comparison.ts';
import type { TrainingReport } from './stages/training.ts';
import { mergeTraining, trainingSettings, devMetric } from './training-settings.ts';
import type { TuningChoice, TuningReport } from './tuning.ts';
import type { RecipeWorkshop } from './workshop.ts';
import { own } from '../core/own.ts';
import type { Json } from '../core/json.ts';
import { generatorKind } from './generators/index.ts';
import { mergeTables, type LabeledTables, type StageTable } from './stage-table.ts';

/** An arm as it was trained: with what tuning chose, once for each seed. */
export interface ArmResult {
  readonly name: string;
  readonly stages: ArmStages;
  readonly choice: TuningChoice;
  readonly trainings: readonly { readonly seed: number; readonly stage: Stage<TrainingReport> }[];
  readonly rankings: readonly Stage[];
}

/** One of a query's best passages. */
export type ShownPassage = Readonly<{
  id: string;
  text: string;
  score: number;
  /** Null where nobody judged it. */
  grade: number | null;
}>;

/** A query's best passages before and after the training of an arm. */
export type ShownQuery = Readonly<{
  id: string;
  query: string;
  arm: string;
  seed: number;
  metric: string;
  before: Readonly<{ value: number; passages: readonly ShownPassage[] }>;
  after: Readonly<{ value: number; passages: readonly ShownPassage[] }>;
}>;

export type ArmReport = Readonly<{
  name: string;
  source: string;
  filters: string | null;
  /** As it was trained, after tuning. */
  loss: string;
  learningRate: number;
  lists: number;
  passages: number;
  listsReport: ListsReport;
  filtered: FilteredReport | null;
  trainings: readonly Readonly<{
    seed: number;
    steps: number;
    bestStep: number;
    endedBy: string;
    dev: Readonly<{ metric: string; before: number; after: number }> | null;
    /** Of each step. */
    losses: readonly number[];
    /** On dev, by the step after which it was evaluated. */
    evaluations: TrainingReport['evaluations'];
    seconds: number;
    pairsPerSecond: number;
    /** Whether the bits are those of a training that was never interrupted, and if not, why. */
    breaks: readonly string[];
    /** What the lists lack for the loss. */
    warnings?: readonly string[];
    key: string;
  }>[];
}>;

/** Everything that an experiment found, with the recipe that made it. Type aliases throughout: it is stored as JSON. */
export type RecipeReport = Readonly<{
  format: 1;
  recipe: Recipe;
  versions: Readonly<Record<string, string>>;
  device: string;
  threads: number;
  fingerprint: Readonly<Record<string, string>>;
  /** Whether the device gave the same bits for the same training step; missing where that was not tested. */
  repeats?: boolean;
  /** Parts of the fingerprint in which stored results differ from what computes now, one line each. */
  otherFingerprints: readonly string[];
  seconds: Readonly<{ job: number; computed: number; stored: number }>;
  corpus: Readonly<{
    name: string;
    passages: number;
    trainQueries: number | null;
    devQueries: number | null;
    /** What was requested as dev and what resulted, where it is a share of the train queries. */
    devSplit?: SplitReport;
    testQueries: number;
    /** Who made the test queries, where the corpus says that people did not ask them. */
    testQueriesBy?: QueriesBy;
    /** The sets whose queries were written for held-out passages, or cut out of them. */
    written?: Readonly<{ test?: WrittenSetReport; dev?: WrittenSetReport }>;
    /** Data sets of a hub that it was made of, with their commit and the hashes of their files. */
    origins?: readonly HubRecord[];
    warnings: readonly string[];
  }>;
  arms: readonly ArmReport[];
  tuning: readonly TuningReport[];
  results: ComparisonReport;
  shown: readonly ShownQuery[];
  /** By kind, the values of what the recipe asks for beside trainings: `lengths`, and `diagnosed` where it asks. */
  findings: Readonly<Record<string, Json>>;
  /** What stages show of their results. */
  tables: readonly StageTable[];
  /** What was truncated, dropped or skipped, and where. */
  exclusions: readonly string[];
  /** What a seed varies, what the tests are over and the like. */
  notes: readonly string[];
  stages: readonly Readonly<{
    kind: string;
    label: string;
    key: string;
    seconds: number;
    state: 'stored' | 'computed';
  }>[];
}>;

export interface ReportParts {
  readonly recipe: Recipe;
  readonly graph: StageGraph;
  readonly workshop: RecipeWorkshop;
  readonly arms: readonly ArmResult[];
  readonly tunings: readonly TuningReport[];
  readonly comparison: ComparisonReport;
  /** What the arms rank lower, which has its result. */
  readonly lowered: Stage;
  readonly seconds: number;
}

export async function makeReport(parts: ReportParts): Promise<RecipeReport> {
  const { recipe, graph, workshop, arms, tunings } = parts;
  const { runtime, corpus, version } = workshop;
  const results = parts.comparison;
  const armReports: ArmReport[] = [];
  for (const arm of arms) armReports.push(await armReport(parts, arm));
  const shown = await shownQueries(parts);
  const tested = await graph.heldOut.test.open(workshop);
  const by = queriesBy(tested.queries);
  const written = await writtenReport(parts);
  const fingerprint = { ...runtime.fingerprint, studio: version };
  const repeats = await keptRepeats(workshop.store, runtime);
  const sum = (state: 'stored' | 'computed'): number =>
    workshop.log
      .filter((entry) => entry.state === state)
      .reduce((total, { result }) => total + result.seconds, 0);
  const fileWarnings = [...graph.fileLists.values()].flatMap(({ warnings }) => warnings);
  return {
    format: 1,
    recipe,
    versions: { studio: version },
    device: runtime.device,
    threads: runtime.threads,
    fingerprint,
    ...(repeats !== undefined && { repeats }),
    otherFingerprints: otherFingerprints(workshop, fingerprint),
    seconds: { job: parts.seconds, computed: sum('computed'), stored: sum('stored') },
    corpus: {
      name: corpus.name,
      passages: corpus.passages.size,
      trainQueries: graph.heldOut.train?.queries.length ?? null,
      devQueries: graph.heldOut.dev?.queries.length ?? written.dev?.queries ?? null,
      ...(graph.heldOut.split !== undefined && { devSplit: graph.heldOut.split }),
      testQueries: tested.queries.length,
      ...(by !== undefined && { testQueriesBy: by }),
      ...(Object.keys(written).length > 0 && { written }),
      ...(corpus.origins.length > 0 && { origins: corpus.origins }),
      warnings: [...corpus.warnings, ...graph.warnings, ...fileWarnings],
    },
    arms: armReports,
    tuning: tunings,
    results,
    shown,
    ...(await findingsOf(parts)),
    notes: [
      ...heldOutNotes(written, graph.heldOut),
      ...notesOf(recipe, results, graph.heldOut.split),
      ...trainingWarnings(armReports),
    ],
    stages: workshop.log.map(({ stage, result, state }) => ({
      kind: stage.kind,
      label: stage.label,
      key: stage.key,
      seconds: result.seconds,
      state,
    })),
  };
}

/** What became of the sets that are written for held-out passages. */
async function writtenReport({
  graph: { heldOut },
  workshop,
}: ReportParts): Promise<NonNullable<RecipeReport['corpus']['written']>> {
  const { sets, test, choosing } = heldOut;
  return {
    ...(sets.test !== undefined && { test: await writtenSetReport(sets.test, test, workshop) }),
    ...(sets.dev !== undefined &&
      choosing !== undefined && { dev: await writtenSetReport(sets.dev, choosing, workshop) }),
  };
}

function heldOutNotes(
  { test, dev }: NonNullable<RecipeReport['corpus']['written']>,
  { trainQueriesOfHeldPassages: left }: StageGraph['heldOut'],
): string[] {
  return [
    ...(test === undefined ? [] : [writtenSetNote('test', test)]),
    ...(dev === undefined ? [] : [writtenSetNote('dev', dev)]),
    ...(left === 0
      ? []
      : [`Train queries left out because a relevant passage of theirs is held out: ${left}.`]),
  ];
}

/** What the stages tell that made lists, and those that the recipe asks for beside. */
async function findingsOf({
  recipe,
  graph,
  workshop,
  lowered,
}: ReportParts): Promise<Pick<RecipeReport, 'findings' | 'tables' | 'exclusions'>> {
  const history = graph.arms.flatMap((arm) => arm.history);
  const stages = new Map<string, Stage>(
    [...graph.heldOut.needs, ...history, ...graph.findings, lowered].map((stage) => [stage.key, stage]),
  );
  const tables: LabeledTables[] = [];
  const exclusions = [
    ...workshop.corpus.warnings,
    ...Object.entries(recipe.generators).map(
      ([role, generator]) => `generator ${role}: ${generatorKind(generator.kind).describe(generator)}`,
    ),
  ];
  const findings: Record<string, Json> = {};
  for (const stage of stages.values()) {
    const result = await workshop.findResult(stage);
    if (result === undefined) continue;
    tables.push({ label: stage.label, tables: stage.tables?.(result.value) ?? [] });
    exclusions.push(...(stage.exclusions?.(result.value, stage.label) ?? []));
    // A stage's value is what JSON holds.
    if (graph.findings.includes(stage)) findings[stage.kind] = result.value as Json;
  }
  return { findings, tables: mergeTables(tables), exclusions };
}

async function armReport({ workshop }: ReportParts, arm: ArmResult): Promise<ArmReport> {
  const { stages, choice, trainings } = arm;
  const { source, filtered } = stages;
  const listsReport = (await workshop.resultOf(source)).value;
  const filteredReport = filtered === undefined ? null : (await workshop.resultOf(filtered)).value;
  const { loss, training } = settled(stages, choice);
  const reports: ArmReport['trainings'][number][] = [];
  for (const { seed, stage } of trainings) {
    const { value, seconds, key } = await workshop.resultOf(stage);
    const { evaluations, steps, bestStep, endedBy, losses, speed, breaks, warnings = [] } = value;
    const before = evaluations[0]?.values[devMetric];
    const after = evaluations.find(({ step }) => step === bestStep)?.values[devMetric];
    reports.push({
      seed,
      steps,
      bestStep,
      endedBy,
      dev: before === undefined || after === undefined ? null : { metric: devMetric, before, after },
      losses,
      evaluations,
      seconds,
      pairsPerSecond: speed.pairsPerSecond ?? 0,
      breaks,
      ...(warnings.length > 0 && { warnings }),
      key,
    });
  }
  return {
    name: arm.name,
    source: sourceName(stages.arm),
    filters: stages.arm.filters ?? null,
    loss: formatLossSpec(loss),
    learningRate: trainingSettings(training, loss, 0, () => 0).learningRate,
    lists: filteredReport?.kept.lists ?? listsReport.lists,
    passages: filteredReport?.kept.passages ?? listsReport.passages,
    listsReport,
    filtered: filteredReport,
    trainings: reports,
  };
}

/** An arm's loss and settings after tuning. */
function settled(
  { loss, training }: ArmStages,
  choice: TuningChoice,
): { readonly loss: LossSpec; readonly training: ArmStages['training'] } {
  return { loss: choice.loss ?? loss, training: mergeTraining(training, choice.training ?? {}) };
}

function otherFingerprints(
  { log }: RecipeWorkshop,
  current: Readonly<Record<string, string>>,
): readonly string[] {
  const found = new Set<string>();
  for (const { result, stage } of log) {
    if (stage.onDevice !== true) continue;
    for (const name of new Set([...Object.keys(result.fingerprint), ...Object.keys(current)])) {
      const [then, now] = [own(result.fingerprint, name) ?? 'unknown', own(current, name) ?? 'unknown'];
      if (then !== now) found.add(`${name} was ${then} for a stored result and is ${now}`);
    }
  }
  return [...found].sort();
}

const shownPassages = 5;

async function shownQueries({ recipe, graph, workshop, arms }: ReportParts): Promise<ShownQuery[]> {
  const { show, measures, level } = recipe.evaluation;
  const arm = arms.find(({ name }) => name === show.arm) ?? arms.at(-1);
  const seed = recipe.seeds[0];
  const ranking = arm?.rankings[0];
  const metric = measures[0];
  if (arm === undefined || ranking === undefined || seed === undefined || metric === undefined) return [];
  if (show.queries === 0) return [];
  const { queries, judgments } = await graph.heldOut.test.open(workshop);
  const before = await workshop.rankingOf(graph.untrained);
  const after = await workshop.rankingOf(ranking);
  const measured = parseMeasures(metric);
  const [name] = measured.flatMap(measureNames);
  const valueIn = (found: Ranking): ((id: string) => number) => {
    const { perQuery } = evaluate(judgments, rankingToRun(found), measured, {
      complete: true,
      relevanceLevel: level,
    });
    return (id) => own(perQuery.get(id), name) ?? 0;
  };
  const [valueBefore, valueAfter] = [valueIn(before), valueIn(after)];
  const gain = (id: string): number => valueAfter(id) - valueBefore(id);
  const ids = Array.isArray(show.queries)
    ? show.queries
    : mostChanged(
        queries.map(({ id }) => id),
        gain,
        show.queries,
      );
  const firstOf = (found: typeof before, id: string): readonly RankedDocument[] =>
    (found.get(id) ?? []).slice(0, shownPassages);
  const shownIds = ids.flatMap((id) =>
    [...firstOf(before, id), ...firstOf(after, id)].map((each) => each.id),
  );
  const texts = await workshop.corpus.passages.textsOf(new Set(shownIds));
  const passages = (id: string, found: typeof before): ShownPassage[] =>
    firstOf(found, id).map((document) => ({
      id: document.id,
      text: texts.get(document.id) ?? '',
      score: document.score,
      grade: judgments.get(id)?.get(document.id) ?? null,
    }));
  return ids.flatMap((id) => {
    const query = queries.find((each) => each.id === id);
    if (query === undefined) return [];
    return [
      {
        id,
        query: query.text,
        arm: arm.name,
        seed,
        metric,
        before: { value: valueBefore(id), passages: passages(id, before) },
        after: { value: valueAfter(id), passages: passages(id, after) },
      },
    ];
  });
}

/** The query that gained the most, the one that lost the most, the second of each and so on. */
function mostChanged(ids: readonly string[], gain: (id: string) => number, count: number): string[] {
  const byGain = [...ids].sort((a, b) => gain(b) - gain(a));
  const chosen: string[] = [];
  for (let i = 0; chosen.length < Math.min(count, ids.length); i++) {
    const id = i % 2 === 0 ? byGain.shift() : byGain.pop();
    if (id !== undefined) chosen.push(id);
  }
  return chosen;
}

/** What the lists of arms lack, once for all seeds that were trained on the same. */
function trainingWarnings(arms: readonly ArmReport[]): string[] {
  const lines = arms.flatMap(({ name, trainings }) =>
    trainings.flatMap(({ warnings = [] }) => warnings.map((warning) => `${name}: ${warning}`)),
  );
  return [...new Set(lines)];
}

function notesOf(
  { seeds, evaluation, corpus, tuning, training }: Recipe,
  results: ComparisonReport,
  devSplit: SplitReport | undefined,
): string[] {
  const dropout = (training.dropout?.hidden ?? 0) + (training.dropout?.attention ?? 0) > 0;
  const notes = [
    `The seed determines the order of the lists${dropout ? ', the dropout masks' : ''} and which negatives are sampled; ` +
      'every training starts from the same weights, and mined lists are the same for all seeds.',
    'The unit of a significance test is the query, with values averaged over seeds; a query with no results scores 0.',
    `p-values are Holm-corrected over all tests of a table; intervals are ${100 * (1 - evaluation.alpha)}% bootstrap ` +
      `intervals over queries${seeds.length > 1 ? ' and seeds' : ''}.`,
  ];
  if (seeds.length === 1) {
    notes.push('There is only one seed, so the intervals do not include variation between seeds.');
  }
  if (devSplit !== undefined) notes.push(splitNote(devSplit));
  if (corpus.dev === null) notes.push('There is no dev set; the weights after the last step are reported.');
  else if (tuning === undefined) {
    notes.push(
      'The dev set selected the checkpoint of each training; learning rate and temperature are those of the recipe.',
    );
  }
  if (results.sharedQueries !== null && results.sharedQueries > 0) {
    notes.push(
      `${results.sharedQueries} of the ${results.all.queries} test queries share a relevant document with a train query.`,
    );
  }
  return notes;
}
