import { sharedWithTrain } from '../../corpus/split.ts';
import type { Judgments } from '../../corpus/types.ts';
import {
  compareSystems,
  queryValuesOf,
  type ComparisonTable,
  type QueryValues,
  type ComparedSystem,
} from '../../metrics/compare-systems.ts';
import { parseMeasures } from '../../metrics/measures/registry.ts';
import { fuseByRank } from '../../retrieval/fusion.ts';
import { cutRanking, rankingToRun, type Ranking } from '../../retrieval/ranking.ts';
import { hybridName } from '../baseline-name.ts';
import type { QuerySet } from '../query-set.ts';
import type { JudgedQueries } from '../recipe-corpus.ts';
import type { EvaluationSettings } from '../schema/evaluation.ts';
import { defineStage, noWork, type Stage } from '../stage.ts';

/** A row of the table by the stages that rank for it: one, or one for each seed. */
export interface SystemStages {
  readonly name: string;
  readonly rankings: readonly Stage[];
}

/** What an experiment found. */
export type ComparisonReport = Readonly<{
  all: ComparisonTable;
  /** Over the test queries that share no relevant document with a train query; null where that is not asked or all are. */
  disjoint: ComparisonTable | null;
  /** Test queries that share one; null where there is no train split to tell. */
  sharedQueries: number | null;
  perQuery: QueryValues;
}>;

/** What is compared, and how: of a recipe, or of encoders that nothing trains. */
export interface Compared {
  readonly evaluation: EvaluationSettings;
  readonly arms: readonly { readonly name: string }[];
}

const compared = defineStage<ComparisonReport>({ kind: 'comparison', version: 3 });

/**
 * Measures all systems and tests the pairs that the evaluation names.
 * @param train what the test queries may share relevant documents with
 */
export async function comparisonStage(
  { test, train }: { readonly test: QuerySet; readonly train: JudgedQueries | undefined },
  recipe: Compared,
  systems: readonly SystemStages[],
): Promise<Stage<ComparisonReport>> {
  const { measures, level, alpha, samples, disjoint, hybrids, depth } = recipe.evaluation;
  const pairs = testedPairs(recipe);
  const needs = systems.flatMap(({ rankings }) => rankings);
  return compared({
    label: 'measures and significance tests',
    inputs: {
      ...{ measures, level, alpha, samples, pairs },
      ...(hybrids.length > 0 && { hybrids, depth }),
      disjoint: disjoint ? (train?.hash ?? null) : null,
      test: test.input,
      systems: systems.map(({ name, rankings }) => [name, ...rankings.map(({ key }) => key)]),
    },
    needs: [...test.needs, ...needs],
    work: { ...noWork, seconds: pairs.length * 0.1 },
    run: async (workshop) => {
      const rankingsOf = new Map<string, readonly Ranking[]>();
      for (const { name, rankings } of systems) {
        const read = [];
        for (const stage of rankings) read.push(await workshop.rankingOf(stage));
        rankingsOf.set(name, read);
      }
      for (const system of hybrids) {
        const fused = fusedWithBm25(rankingsOf.get(system) ?? [], rankingsOf.get('bm25') ?? [], depth);
        rankingsOf.set(hybridName(system), fused);
      }
      const ranked: ComparedSystem[] = [...rankingsOf].map(([name, found]) => ({
        name,
        runs: found.map(rankingToRun),
      }));
      const { judgments } = await test.open(workshop);
      const measuring = { measures: parseMeasures(measures.join(',')), relevanceLevel: level };
      const options = { ...measuring, pairs, alpha, samples };
      const shared = train === undefined ? undefined : sharedWithTrain(judgments, train.judgments, level);
      const value: ComparisonReport = {
        all: compareSystems(judgments, ranked, options),
        disjoint:
          disjoint && shared !== undefined && shared.shared.length > 0
            ? compareSystems(only(judgments, new Set(shared.disjoint)), ranked, options)
            : null,
        sharedQueries: shared?.shared.length ?? null,
        perQuery: queryValuesOf(judgments, ranked, measuring),
      };
      return { value };
    },
  });
}

/** Each ranking of a system, one for each seed, fused with the one of BM25. */
function fusedWithBm25(rankings: readonly Ranking[], bm25: readonly Ranking[], depth: number): Ranking[] {
  return rankings.map((ranking) => {
    const inputs = [ranking, ...bm25].map((each) => ({ source: '', ranking: each }));
    return cutRanking(fuseByRank(inputs), depth);
  });
}

/** Every arm against the baseline, and the pairs that were named besides. */
function testedPairs({ evaluation, arms }: Compared): readonly (readonly [string, string])[] {
  const { against, baselines, pairs } = evaluation;
  const fallback = baselines.includes('untrained') ? 'untrained' : null;
  const baseline = against === undefined ? fallback : against;
  const all: (readonly [string, string])[] =
    baseline === null
      ? []
      : arms.filter(({ name }) => name !== baseline).map(({ name }) => [name, baseline] as const);
  const isNew = ([a, b]: readonly [string, string]): boolean => !all.some(([x, y]) => x === a && y === b);
  return [...all, ...pairs.filter(isNew)];
}

function only(judgments: Judgments, queries: ReadonlySet<string>): Judgments {
  return new Map([...judgments].filter(([query]) => queries.has(query)));
}
