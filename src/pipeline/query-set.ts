/** Queries that are searched for: those of a split, or those that a stage writes, which are not known before. */
import { isPositive } from '../corpus/text-key.ts';
import type { Judgments, ListRecord, Query } from '../corpus/types.ts';
import type { JudgedQueries } from './recipe-corpus.ts';
import type { ListsReport } from './lists-report.ts';
import type { ExpectedQueries } from './retriever.ts';
import { typicalTokens, type ListsStage, type Stage, type Workshop } from './stage.ts';

/** Queries with what is relevant to them. */
export interface OpenedQueries {
  readonly queries: readonly Query[];
  readonly judgments: Judgments;
  /** The text of a positive that the corpus may lack. */
  textOf(id: string): string | undefined;
  /** A mined list with what its source said of the query and its positives. */
  withHistory(list: ListRecord): ListRecord;
  /** Whether a generator wrote them earlier. */
  readonly recorded: boolean;
}

export interface QuerySet extends ExpectedQueries {
  /** What they are, for the keys of stages: the hash of the split, or the key of the lists. */
  readonly input: string;
  readonly needs: readonly Stage[];
  open(workshop: Pick<Workshop, 'listsOf' | 'resultOf'>): Promise<OpenedQueries>;
}

export function queriesOfSplit({ queries, judgments, hash }: JudgedQueries): QuerySet {
  return {
    input: hash,
    needs: [],
    count: queries.length,
    queryTokens: (model) =>
      typicalTokens(
        model,
        queries.map(({ text }) => text),
        'query',
      ),
    open: () =>
      Promise.resolve({
        queries,
        judgments,
        textOf: () => undefined,
        withHistory: (list) => list,
        recorded: false,
      }),
  };
}

/** @param expected what the lists will about be */
export function queriesOfLists(
  lists: ListsStage<ListsReport>,
  expected: { readonly lists: number; readonly queryTokens: number },
): QuerySet {
  return {
    input: lists.key,
    needs: [lists],
    count: expected.lists,
    queryTokens: () => expected.queryTokens,
    open: async (workshop) => {
      const { recorded } = (await workshop.resultOf(lists)).value;
      return { ...judgedInLists(await workshop.listsOf(lists)), recorded };
    },
  };
}

function judgedInLists(lists: readonly ListRecord[]): Omit<OpenedQueries, 'recorded'> {
  const byQuery = new Map<string, ListRecord>();
  const texts = new Map<string, string>();
  const judgments = new Map<string, Map<string, number>>();
  for (const list of lists) {
    byQuery.set(list.query_id, byQuery.get(list.query_id) ?? list);
    const grades = judgments.get(list.query_id) ?? new Map<string, number>();
    judgments.set(list.query_id, grades);
    for (const document of list.documents.filter((each) => isPositive(each))) {
      texts.set(document.id, document.text);
      grades.set(document.id, document.label ?? 1);
    }
  }
  return {
    queries: [...byQuery.values()].map(({ query_id, query }) => ({ id: query_id, text: query })),
    judgments,
    textOf: (id) => texts.get(id),
    withHistory: (list) => withHistory(list, byQuery.get(list.query_id)),
  };
}

function withHistory(list: ListRecord, from: ListRecord | undefined): ListRecord {
  if (from === undefined) return list;
  const known = new Map(from.documents.map((document) => [document.id, document]));
  const { query_type } = from;
  return {
    ...list,
    ...(query_type !== undefined && { query_type }),
    documents: list.documents.map((document) => {
      const earlier = document.source === 'gold' ? known.get(document.id) : undefined;
      return earlier === undefined ? document : { ...document, ...earlier };
    }),
  };
}
