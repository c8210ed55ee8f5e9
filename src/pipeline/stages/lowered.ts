import { isPositive } from '../../corpus/text-key.ts';
import type { Judgments, ListRecord } from '../../corpus/types.ts';
import { percentile } from '../../lists/percentile.ts';
import type { RankedDocument, Ranking } from '../../retrieval/ranking.ts';
import type { PairForce, TrainingForces } from '../../training/forces/forces.ts';
import type { LoweredArm, LoweredPassage, LoweredReport, PushingList } from '../lowered-report.ts';
import type { OpenedQueries, QuerySet } from '../query-set.ts';
import { defineStage, noWork, type Stage, type Workshop } from '../stage.ts';
import type { StageTable } from '../stage-table.ts';
import type { TrainingStage } from './training.ts';

/** An arm as one seed trained it. */
export interface LoweringArm {
  readonly name: string;
  readonly seed: number;
  readonly training: TrainingStage;
  readonly ranking: Stage;
}

const mostPassages = 10;
const mostLists = 2;
const topTen = 10;

const lowered = defineStage<LoweredReport>({ kind: 'lowered', version: 1, tables: loweredTables });

/** The relevant passages that each arm ranks lower than the untrained encoder, and the lists that pushed them. */
export async function loweredStage(
  { corpus, test }: Pick<Workshop, 'corpus'> & { readonly test: QuerySet },
  { level, depth }: { readonly level: number; readonly depth: number },
  untrained: Stage,
  arms: readonly LoweringArm[],
): Promise<Stage<LoweredReport>> {
  return lowered({
    label: 'passages ranked lower',
    inputs: {
      ...{ test: test.input, passages: corpus.passages.hash, level, depth, untrained: untrained.key },
      arms: arms.map(({ name, seed, training, ranking }) => [name, seed, training.key, ranking.key]),
    },
    needs: [...test.needs, untrained, ...arms.flatMap(({ training, ranking }) => [training, ranking])],
    work: { ...noWork, seconds: arms.length * 0.2 },
    run: async (workshop) => {
      const tested = await test.open(workshop);
      const grade = Math.max(level, highestGrade(tested.judgments) >= 2 ? 2 : 1);
      const before = await workshop.rankingOf(untrained);
      const reports: LoweredArm[] = [];
      for (const arm of arms)
        reports.push(await armReport(workshop, arm, before, { ...tested, grade, depth }));
      return { value: { grade, depth, arms: reports } };
    },
  });
}

function highestGrade(judgments: Judgments): number {
  let highest = 0;
  for (const grades of judgments.values())
    for (const grade of grades.values()) highest = Math.max(highest, grade);
  return highest;
}

/** A relevant passage in two rankings. */
interface Fall {
  readonly query: string;
  readonly passage: string;
  readonly grade: number;
  readonly before: number;
  readonly after: number | null;
}

async function armReport(
  workshop: Workshop,
  arm: LoweringArm,
  before: Ranking,
  {
    queries,
    judgments,
    grade,
    depth,
  }: Pick<LoweredReport, 'grade' | 'depth'> & Pick<OpenedQueries, 'queries' | 'judgments'>,
): Promise<LoweredArm> {
  const pairs = relevantPairs(judgments, before, await workshop.rankingOf(arm.ranking), grade);
  const high = pairs.filter((pair) => pair.before <= topTen);
  const falls = pairs
    .filter((pair) => lostRanks(pair, depth) > 0)
    .sort((a, b) => Number(left(b)) - Number(left(a)) || lostRanks(b, depth) - lostRanks(a, depth))
    .slice(0, mostPassages);
  const forces = await workshop.forcesOf(arm.training);
  const { plan } = arm.training;
  const { level } = plan.training.batches ?? {};
  const lists = forces === undefined ? [] : await workshop.listsOf(plan.lists);
  const pushes = Float64Array.from(forces?.passages() ?? [], ({ push }) => push).sort();
  const typicalPush = pushes.length === 0 ? 0 : percentile(pushes, 50);
  const byId = new Map([...lists].reverse().map((list) => [list.query_id, list]));
  const texts = await workshop.corpus.passages.textsOf(new Set(falls.map(({ passage }) => passage)));
  const textOf = new Map(queries.map(({ id, text }) => [id, text]));
  return {
    name: arm.name,
    seed: arm.seed,
    inTopTen: high.length,
    leftTopTen: high.filter(left).length,
    steps: forces === undefined ? null : { from: forces.facts.from, to: forces.facts.to },
    typicalPush,
    passages: falls.map(({ query, passage, ...fall }) => ({
      query: { id: query, text: textOf.get(query) ?? '' },
      passage: { id: passage, text: texts.get(passage) ?? '' },
      ...fall,
      ...forcesOn(passage, { forces, typicalPush, lists: byId, level }),
    })),
  };
}

/** What the first ranking has of the passages that are judged relevant. */
function relevantPairs(judgments: Judgments, before: Ranking, after: Ranking, lowest: number): Fall[] {
  const rankIn = (found: readonly RankedDocument[] | undefined): ReadonlyMap<string, number> =>
    new Map(found?.map(({ id, rank }) => [id, rank]));
  return [...judgments].flatMap(([query, grades]) => {
    const [old, now] = [rankIn(before.get(query)), rankIn(after.get(query))];
    return [...grades].flatMap(([passage, grade]) => {
      const rank = old.get(passage);
      return grade < lowest || rank === undefined
        ? []
        : [{ query, passage, grade, before: rank, after: now.get(passage) ?? null }];
    });
  });
}

function lostRanks({ before, after }: Fall, depth: number): number {
  return (after ?? depth + 1) - before;
}

function left({ before, after }: Fall): boolean {
  return before <= topTen && (after === null || after > topTen);
}

interface KnownForces {
  readonly forces: TrainingForces | undefined;
  readonly typicalPush: number;
  readonly lists: ReadonlyMap<string, ListRecord>;
  readonly level: number | undefined;
}

function forcesOn(
  passage: string,
  { forces, typicalPush, lists, level }: KnownForces,
): Pick<LoweredPassage, 'push' | 'pull' | 'isHardlyPushed' | 'lists'> {
  const pairs = forces?.ofPassage(passage) ?? [];
  const sum = (side: 'push' | 'pull'): number => pairs.reduce((total, pair) => total + pair[side], 0);
  const [push, pull] = [sum('push'), sum('pull')];
  const strongest = [...pairs].filter((pair) => pair.push > 0).sort((a, b) => b.push - a.push);
  return {
    ...{ push, pull, isHardlyPushed: 2 * push < typicalPush },
    lists: strongest.slice(0, mostLists).map((pair) => pushingList(pair, lists.get(pair.query), level)),
  };
}

function pushingList(
  { query, push }: PairForce,
  list: ListRecord | undefined,
  level: number | undefined,
): PushingList {
  const positive = list?.documents.find((document) => isPositive(document, level)) ?? list?.documents[0];
  return {
    query: { id: query, text: list?.query ?? '' },
    positive: positive === undefined ? null : { id: positive.id, text: positive.text },
    push,
  };
}

/** Rows of an arm in the table; the page lists them all. */
const mostRows = 5;

function loweredTables(report: LoweredReport): readonly StageTable[] {
  const rows = report.arms.flatMap(({ name, steps, passages }) =>
    passages
      .slice(0, mostRows)
      .map((row) => [
        name,
        shortened(row.query.text, 60),
        shortened(row.passage.text, 60),
        steps === null ? 'not recorded' : causeText(row),
        String(row.before),
        row.after === null ? `> ${report.depth}` : String(row.after),
        ...(steps === null ? ['', ''] : [forceText(row.push), forceText(row.pull)]),
      ]),
  );
  if (rows.length === 0) return [];
  const header = ['arm', 'question', 'relevant passage', 'pushed by', 'before', 'after', 'push', 'pull'];
  return [
    {
      title: 'Relevant passages that training ranked lower',
      note: noteOf(report),
      rows: [header, ...rows],
      words: 4,
      lowered: report,
    },
  ];
}

function causeText({ passage, isHardlyPushed, lists }: LoweredPassage): string {
  const named = lists.map(({ query, positive, push }) => {
    const own =
      positive === null ? '' : positive.id === passage.id ? ', its own list' : `, list of ${positive.id}`;
    return `“${shortened(query.text, 40)}” (${forceText(push)}${own})`;
  });
  const all = named.join(', ');
  return isHardlyPushed ? `hardly pushed, others rose${named.length === 0 ? '' : `; ${all}`}` : all;
}

function noteOf({ grade, arms }: LoweredReport): string {
  const left = arms.map(({ name, leftTopTen, inTopTen }) => `${leftTopTen} of ${inTopTen} for ${name}`);
  const typical = arms.map(({ name, typicalPush }) => `${forceText(typicalPush)} for ${name}`);
  return (
    `Passages of grade ${grade} or higher, ranked by the untrained encoder (before) and by each arm as its first seed ` +
    `trained it (after). Of those among the first ten before training, these left them: ${left.join(', ')}. Push and ` +
    "pull: sums of −∂loss/∂score over the steps that led to the arm's weights, weighted by each step's share of the peak " +
    `learning rate; the median push on a passage is ${typical.join(', ')}. Pushed by: the lists that pushed the passage ` +
    'most, by their queries.'
  );
}

function forceText(force: number): string {
  return force.toFixed(force < 10 ? 2 : 0);
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).trimEnd()} …`;
}
