/** The test and dev sets whose queries are written for held-out passages. */
import { queryTest } from '../corpus/split.ts';
import type { QueriesBy } from '../corpus/types.ts';
import type { ListsReport } from './lists-report.ts';
import type { Passage } from './passages.ts';
import type { QuerySet } from './query-set.ts';
import type { HeldOutQueries } from './schema/corpus.ts';
import type { ListsStage, Workshop } from './stage.ts';

/** Queries for held-out passages, which a stage writes. */
export interface WrittenQueries extends HeldPassages {
  readonly source: string;
  /** Whether a language model writes them, or they are cut out of the passages. */
  readonly by: QueriesBy;
  /** As its replies are named in the log. */
  readonly model: string;
  readonly stage: ListsStage<ListsReport>;
  readonly queries: QuerySet;
}

/** The sets of a recipe that are written for held-out passages. */
export interface WrittenSets {
  readonly test?: WrittenQueries | undefined;
  readonly dev?: WrittenQueries | undefined;
}

/** What a report says of such a set. A type alias, so that it is assignable to Json. */
export type WrittenSetReport = Readonly<{
  source: string;
  by: QueriesBy;
  model: string;
  queries: number;
  passages: number;
  /** Held out as well, and not asked about. */
  passagesWithoutQuery: number;
}>;

export interface HeldPassages {
  readonly passages: readonly Passage[];
  /** Of these and of their copies. */
  readonly ids: ReadonlySet<string>;
  readonly textKeys: ReadonlySet<string>;
  /** By id, the other passages of the corpus with the same text: they are relevant to the same queries. */
  readonly copies: ReadonlyMap<string, readonly string[]>;
}

/** Whether a test or dev set is made of queries for held-out passages. */
export function isHeldOut(set: unknown): set is HeldOutQueries {
  return typeof set === 'object' && set !== null && 'heldOut' in set;
}

/** Queries without those of another set, by id or by text. */
export function withoutQueriesOf(set: QuerySet, others: QuerySet): QuerySet {
  return {
    ...set,
    input: `${set.input} without ${others.input}`,
    needs: [...set.needs, ...others.needs],
    open: async (workshop) => {
      const opened = await set.open(workshop);
      const isOther = queryTest((await others.open(workshop)).queries);
      const queries = opened.queries.filter(
        ({ id, text }) => !isOther({ query_id: id, query: text, documents: [] }),
      );
      const kept = new Set(queries.map(({ id }) => id));
      return { ...opened, queries, judgments: new Map([...opened.judgments].filter(([id]) => kept.has(id))) };
    },
  };
}

/** What became of a set. @param queries as it is used */
export async function writtenSetReport(
  { source, by, model, passages }: WrittenQueries,
  queries: QuerySet,
  workshop: Pick<Workshop, 'listsOf' | 'resultOf'>,
): Promise<WrittenSetReport> {
  const opened = await queries.open(workshop);
  const asked = new Set([...opened.judgments.values()].flatMap((grades) => [...grades.keys()]));
  return {
    ...{ source, by, model },
    queries: opened.queries.length,
    passages: passages.length,
    passagesWithoutQuery: passages.filter(({ id }) => !asked.has(id)).length,
  };
}
