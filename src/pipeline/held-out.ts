import {
  queryTest,
  splitByPassage,
  withoutPositives,
  type Split,
  type SplitReport,
} from '../corpus/split.ts';
import { isPositive, textKey, withoutDuplicatesOfPositives } from '../corpus/text-key.ts';
import type { ListRecord, Query } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import type { Guard } from './guard.ts';
import { newCounts } from './lists-guard.ts';
import { withoutQueriesOf, type WrittenSets } from './written-sets.ts';
import { queriesOfSplit, type QuerySet } from './query-set.ts';
import { goldLists, hashJudged, type JudgedQueries, type RecipeCorpus } from './recipe-corpus.ts';
import type { FileLists } from './recipe-lists.ts';
import type { CorpusSettings } from './schema/corpus.ts';

/** Which queries train, which choose, which test, and what may be in no training list. */
export interface HeldOut extends Guard {
  /** What is tested: a split, or queries that are written for held-out passages. */
  readonly test: QuerySet;
  /** What chooses: the same as {@link dev} where that is known, or queries for held-out passages. */
  readonly choosing: QuerySet | undefined;
  /** The sets that are written for held-out passages. */
  readonly sets: WrittenSets;
  /** Train queries with a relevant passage that is held out, which do not train. */
  readonly trainQueriesOfHeldPassages: number;
  /** The train split without what is held out of it; undefined where all lists come from files. */
  readonly train: JudgedQueries | undefined;
  /** Undefined where nothing chooses, or only queries that are written for held-out passages. */
  readonly dev: JudgedQueries | undefined;
  /** The lists that the dev queries are found in, where it is not the corpus that they search. */
  readonly devLists: readonly ListRecord[] | undefined;
  /** What was requested and what resulted, where dev is a share of the train queries. */
  readonly split: SplitReport | undefined;
  /** The text of a relevant passage of a dev query, which the corpus may lack. */
  devTextOf(id: string): string | undefined;
  /** Whether a passage of this text is a positive in no training list, because it is one of a test or dev query. */
  holdsPassage(text: string): boolean;
}

/**
 * Takes dev apart from train.
 * @param fileLists what the recipe's files hold: the lists that a share is held out of where there is no train split
 * @param devFile the lists of the file that dev names
 * @param sets what is written for held-out passages
 * @throws InputError where no dev set of that share can be made, or no list of the file has a positive
 */
export async function holdOut(
  { dev }: Pick<CorpusSettings, 'dev'>,
  corpus: RecipeCorpus,
  fileLists: readonly ListRecord[],
  devFile?: FileLists,
  sets: WrittenSets = {},
): Promise<HeldOut> {
  const texts = new Map<string, string>();
  const isHeldPassage = passageTest(sets);
  const hasHeldPassage = ({ documents }: ListRecord): boolean =>
    documents.some((document) => isPositive(document) && isHeldPassage(document));
  const allTrain = corpus.train;
  const ofHeld = new Set(
    allTrain === undefined || !isWrittenSet(sets)
      ? []
      : goldLists(allTrain, corpus.passages)
          .filter(hasHeldPassage)
          .map(({ query_id }) => query_id),
  );
  let train = ofHeld.size > 0 && allTrain !== undefined ? await without(allTrain, ofHeld) : allTrain;
  let devQueries = corpus.dev;
  const positives = new Set<string>();
  let report: SplitReport | undefined;
  let devLists: readonly ListRecord[] | undefined;
  if (devFile !== undefined) {
    devLists = devFile.lists;
    requirePositives(devFile);
    devQueries = await judgedByLists(devLists);
  }
  if (dev !== null && 'share' in dev) {
    const all =
      train === undefined
        ? fileLists.filter((list) => !hasHeldPassage(list))
        : goldLists(train, corpus.passages);
    const { dev: held, devOnlyPassages, ...rest } = split(all, dev);
    report = rest.report;
    for (const { documents } of held) {
      for (const document of documents.filter((each) => isPositive(each))) {
        texts.set(document.id, document.text);
        if (devOnlyPassages.has(document.id)) positives.add(textKey(document.text));
      }
    }
    devQueries = await judgedByLists(held);
    if (dev.among === 'lists') devLists = held;
    if (train !== undefined) train = await without(train, new Set(held.map(({ query_id }) => query_id)));
  }
  const isHeld = ({ text }: { readonly text: string }): boolean =>
    positives.size > 0 && positives.has(textKey(text));
  const testHash = await sha256(JSON.stringify(corpus.test.queries));
  const test = sets.test?.queries ?? queriesOfSplit(corpus.test);
  const choosing = devQueries === undefined ? sets.dev?.queries : queriesOfSplit(devQueries);
  const needs = [sets.test, sets.dev].flatMap((set) => (set === undefined ? [] : [set.stage]));
  const hashes = [testHash, devQueries?.hash ?? '', guardedPositives(positives, report)];
  return {
    train,
    dev: devQueries,
    test,
    choosing: choosing && (sets.dev === undefined ? choosing : withoutQueriesOf(choosing, test)),
    sets,
    trainQueriesOfHeldPassages: ofHeld.size,
    needs,
    written: async (workshop) => ({
      test: sets.test === undefined ? [] : (await sets.test.queries.open(workshop)).queries,
      dev: sets.dev === undefined ? [] : (await sets.dev.queries.open(workshop)).queries,
    }),
    devLists: devLists?.map((list) => withoutDuplicatesOfPositives(list).record),
    split: report,
    holdsPassage: (text) => isHeld({ text }) || isHeldPassage({ text }),
    devTextOf: (id) => texts.get(id) ?? corpus.passages.textOf(id),
    hash: await sha256([...hashes, ...needs.map(({ key }) => key)].join(' ')),
    guard: (lists, written = { test: [], dev: [] }) => {
      const isTest = queryTest([...corpus.test.queries, ...written.test]);
      const isDev = queryTest([...(devQueries?.queries ?? []), ...written.dev]);
      const counts = newCounts();
      const kept = lists.flatMap((list) => {
        if (isTest(list)) counts.testQueries++;
        else if (isDev(list)) counts.devQueries++;
        else if (hasHeldPassage(list)) counts.heldPassages++;
        else {
          const { record, removed } = withoutDuplicatesOfPositives(list);
          const rest = withoutPositives(record, isHeld);
          if (rest.list === undefined || (rest.removed > 0 && report?.unit === 'groups')) {
            counts.devQueries++;
            return [];
          }
          counts.contradictions += removed;
          counts.devPositives += rest.removed;
          if (rest.list.documents.length > 0) return [rest.list];
          counts.emptyLists++;
        }
        return [];
      });
      return { lists: kept, report: counts };
    },
  };
}

function isWrittenSet({ test, dev }: WrittenSets): boolean {
  return test !== undefined || dev !== undefined;
}

/** Whether a passage is one that queries are held out for, or a copy of one. */
function passageTest(
  sets: WrittenSets,
): (passage: { readonly id?: string; readonly text: string }) => boolean {
  const all = [sets.test, sets.dev].flatMap((set) => (set === undefined ? [] : [set]));
  if (all.length === 0) return () => false;
  return ({ id, text }) =>
    all.some(({ ids, textKeys }) => (id !== undefined && ids.has(id)) || textKeys.has(textKey(text)));
}

function requirePositives({ lists, file }: FileLists): void {
  if (lists.some(({ documents }) => documents.some((document) => isPositive(document)))) return;
  throw new InputError('no dev list has a passage labeled positive', {
    file,
    remedy: 'Use dev lists with positives, such as those of `retriever-studio mine --split dev`',
  });
}

/** What the guarded passages add to the hash of the dev queries, which decides them in a split by groups. */
function guardedPositives(positives: ReadonlySet<string>, report: SplitReport | undefined): string {
  if (report?.unit === 'queries') return JSON.stringify([...positives].sort());
  return positives.size > 0 ? 'positives' : '';
}

function split(
  lists: readonly ListRecord[],
  { share, seed }: { readonly share: number; readonly seed: number },
): Split {
  const fail = (problem: string): never => {
    throw new InputError(`corpus.dev.share: ${problem}`, {
      remedy: 'Set a larger share, a dev split, or null for no dev set',
    });
  };
  try {
    const found = splitByPassage(lists, share, seed);
    return found.dev.length > 0
      ? found
      : fail(`${share} of ${lists.length} train queries is less than one query`);
  } catch (error) {
    if (error instanceof InputError && !error.problem.startsWith('corpus.dev')) return fail(error.problem);
    throw error;
  }
}

/** The queries of lists, each once, with the positives of all its lists. */
async function judgedByLists(lists: readonly ListRecord[]): Promise<JudgedQueries> {
  const queries = new Map<string, Query>();
  const judgments = new Map<string, Map<string, number>>();
  for (const { query_id, query, documents } of lists) {
    if (!queries.has(query_id)) queries.set(query_id, { id: query_id, text: query });
    const grades = judgments.get(query_id) ?? new Map<string, number>();
    for (const document of documents) {
      if (isPositive(document)) grades.set(document.id, document.label ?? 1);
    }
    judgments.set(query_id, grades);
  }
  const asList = [...queries.values()];
  return { queries: asList, judgments, hash: await hashJudged(asList, judgments) };
}

async function without(train: JudgedQueries, held: ReadonlySet<string>): Promise<JudgedQueries> {
  const queries = train.queries.filter(({ id }) => !held.has(id));
  const judgments = new Map([...train.judgments].filter(([id]) => !held.has(id)));
  return { queries, judgments, hash: await hashJudged(queries, judgments) };
}
