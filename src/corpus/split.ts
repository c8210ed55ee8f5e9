import { InputError } from '../core/errors.ts';
import { streamKey } from '../core/random.ts';
import { relevantDocuments } from './judgments.ts';
import { isPositive, textKey } from './text-key.ts';
import type { Judgments, ListDocument, ListRecord, Query } from './types.ts';

export interface Split {
  readonly train: readonly ListRecord[];
  readonly dev: readonly ListRecord[];
  /** Ids of the dev lists' positives that are a positive of no train list. */
  readonly devOnlyPassages: ReadonlySet<string>;
  readonly report: SplitReport;
}

/** What was requested of a split and what resulted. A type alias, so that it is assignable to Json. */
export type SplitReport = Readonly<{
  /** Fraction of the lists that was to be held out. */
  share: number;
  lists: number;
  requestedLists: number;
  devLists: number;
  devQueries: number;
  /** Held out as groups of queries that have no positive in common with any other, or query by query. */
  unit: 'groups' | 'queries';
  /** Distinct positives of the dev lists, and how many of them are still a positive of a train list. */
  devPassages: number;
  sharedPassages: number;
  /** Positives that train lists had before those of dev queries were removed, and the number removed. */
  trainPositives: number;
  removedPositives: number;
  /** Train lists left out because all their positives were removed. */
  removedLists: number;
}>;

/** Independent groups are held out where they reach this fraction of what was requested. */
const reachedByGroups = 0.5;

/**
 * Splits lists into train and dev. No query is on both sides, by id or by text, and what falls where depends on the
 * seed and the ids alone, not on the order of the lists.
 *
 * Queries that share a positive, directly or through others, form a group, and whole groups are held out in random
 * order, so that no positive is on both sides. Where the groups that fit make less than half of the requested lists,
 * because dense judgments connect most queries, whole queries are held out in random order instead. The train lists
 * then lose positives of the dev queries, those with the fewest train lists first, as long as at most `fraction` of
 * the train lists' positives and at most `fraction` of the train lists are lost. The other shared positives stay on
 * both sides, and the report counts them.
 *
 * @param fraction of the lists that go to dev, at most; groups and queries are not cut to reach it exactly.
 * @throws InputError if no query fits into dev.
 */
export function splitByPassage(lists: readonly ListRecord[], fraction: number, seed: number): Split {
  const target = Math.round(lists.length * fraction);
  const grouped = firstThatFit(inRandomOrder(lists, seed, 'groups'), target);
  if (grouped.size >= reachedByGroups * target) {
    return describe(lists, fraction, grouped, 'groups');
  }
  const dev = firstThatFit(inRandomOrder(lists, seed, 'queries'), target);
  if (target > 0 && dev.size === 0) {
    throw new InputError(`no dev split can be made: each query has more than the ${target} lists requested`, {
      remedy: 'Use a separate dev set, or a larger fraction',
    });
  }
  return describe(lists, fraction, dev, 'queries');
}

function firstThatFit(units: readonly (readonly ListRecord[])[], most: number): ReadonlySet<ListRecord> {
  const chosen = new Set<ListRecord>();
  for (const unit of units) {
    if (chosen.size + unit.length <= most) unit.forEach((list) => chosen.add(list));
  }
  return chosen;
}

function describe(
  lists: readonly ListRecord[],
  share: number,
  held: ReadonlySet<ListRecord>,
  unit: SplitReport['unit'],
): Split {
  const dev = lists.filter((list) => held.has(list));
  const rest = lists.filter((list) => !held.has(list));
  const passages = new Set(dev.flatMap((list) => [...positivesOf(list)]));
  const { devOnly, trainPositives } = passagesOfDevAlone(rest, passages, share);
  const parts = rest.map((list) => withoutPositives(list, ({ id }) => devOnly.has(id)));
  const train = parts.flatMap(({ list }) => list ?? []);
  return {
    train,
    dev,
    devOnlyPassages: devOnly,
    report: {
      share,
      lists: lists.length,
      requestedLists: Math.round(lists.length * share),
      devLists: dev.length,
      devQueries: new Set(dev.map(({ query_id }) => query_id)).size,
      unit,
      devPassages: passages.size,
      sharedPassages: passages.size - devOnly.size,
      trainPositives,
      removedPositives: parts.reduce((sum, { removed }) => sum + removed, 0),
      removedLists: rest.length - train.length,
    },
  };
}

/** Which dev positives train lists do not have or can lose, at most this share of their positives and of the lists. */
function passagesOfDevAlone(
  train: readonly ListRecord[],
  passages: ReadonlySet<string>,
  share: number,
): { readonly devOnly: ReadonlySet<string>; readonly trainPositives: number } {
  const listsWith = new Map<string, number[]>([...passages].map((id) => [id, []]));
  const left = train.map((list, i) => {
    const positives = positivesOf(list);
    for (const id of positives) listsWith.get(id)?.push(i);
    return positives.size;
  });
  const trainPositives = left.reduce((sum, count) => sum + count, 0);
  let positivesToLose = Math.floor(share * trainPositives);
  let listsToLose = Math.floor(share * train.length);
  const devOnly = new Set<string>();
  const rarestFirst = [...listsWith].sort(
    ([a, ofA], [b, ofB]) => ofA.length - ofB.length || (a < b ? -1 : 1),
  );
  for (const [id, having] of rarestFirst) {
    const emptied = having.filter((i) => left[i] === 1).length;
    if (having.length > positivesToLose || emptied > listsToLose) continue;
    devOnly.add(id);
    positivesToLose -= having.length;
    listsToLose -= emptied;
    for (const i of having) left[i] = (left[i] ?? 0) - 1;
  }
  return { devOnly, trainPositives };
}

function positivesOf({ documents }: ListRecord): ReadonlySet<string> {
  return new Set(documents.filter((document) => isPositive(document)).map(({ id }) => id));
}

/**
 * A list without some of its positives: undefined where none is left of those that it had.
 * @returns it, and the number of positives removed
 */
export function withoutPositives(
  list: ListRecord,
  remove: (positive: ListDocument) => boolean,
): { readonly list: ListRecord | undefined; readonly removed: number } {
  const documents = list.documents.filter((document) => !isPositive(document) || !remove(document));
  const rest = { ...list, documents };
  const removed = positivesOf(list).size - positivesOf(rest).size;
  if (removed === 0) return { list, removed };
  return { list: documents.some((document) => isPositive(document)) ? rest : undefined, removed };
}

/** What was requested as dev and what resulted, in sentences. */
export function splitNote(report: SplitReport): string {
  const { share, lists, requestedLists, devLists, devQueries, unit } = report;
  const percent = Number((100 * share).toFixed(2));
  const held =
    `Dev: ${percent}% of ${lists} lists requested (${requestedLists}), ${devLists} held out ` +
    `(${devQueries} ${devQueries === 1 ? 'query' : 'queries'})`;
  if (unit === 'groups') return `${held}. No positive of a dev query is a positive in training.`;
  const { devPassages, sharedPassages, trainPositives, removedPositives, removedLists } = report;
  return (
    `${held}. Most queries share positives with others, so whole queries were held out. Removed from training as ` +
    `positives of dev queries: ${removedPositives} of ${trainPositives} positives` +
    `${removedLists > 0 ? ` (${removedLists} lists had no others)` : ''}. Still positives in training: ` +
    `${sharedPassages} of the ${devPassages} positives of dev queries.`
  );
}

/**
 * Deals lists into folds. Lists of one query are in one fold, and so are those that share a positive, directly or
 * through others. Where that makes fewer groups than folds, or a fold of less than half an equal part, because dense
 * judgments connect most queries, whole queries are dealt instead, and folds share positives. Folds are as equal in size
 * as that allows. Which fold is a function of the seed and the ids alone.
 * @returns for each fold its lists, in their order
 * @throws InputError if there are fewer queries than folds
 */
export function foldsByPassage(
  lists: readonly ListRecord[],
  count: number,
  seed: number,
): readonly (readonly ListRecord[])[] {
  const grouped = dealt(inRandomOrder(lists, seed, 'groups'), count);
  const smallest = Math.min(...grouped.map(({ size }) => size));
  const isEven = smallest > 0 && smallest >= (reachedByGroups * lists.length) / count;
  const queries = inRandomOrder(lists, seed, 'queries');
  if (!isEven && queries.length < count) {
    throw new InputError(`${queries.length} queries are too few for ${count} folds`, {
      remedy: 'Use fewer folds',
    });
  }
  const folds = isEven ? grouped : dealt(queries, count);
  return folds.map((fold) => lists.filter((list) => fold.has(list)));
}

function dealt(units: readonly (readonly ListRecord[])[], count: number): readonly ReadonlySet<ListRecord>[] {
  const folds = Array.from({ length: count }, () => new Set<ListRecord>());
  // The largest first, each to the fold that has the least: equal ones keep their random order.
  for (const unit of [...units].sort((a, b) => b.length - a.length)) {
    const smallest = folds.reduce((least, fold) => (fold.size < least.size ? fold : least));
    unit.forEach((list) => smallest.add(list));
  }
  return folds;
}

/** The lists of each group or query, in an order that the seed and the ids decide. */
function inRandomOrder(
  lists: readonly ListRecord[],
  seed: number,
  unit: SplitReport['unit'],
): readonly (readonly ListRecord[])[] {
  const parents = new DisjointSets();
  for (const list of lists) {
    const query = `query ${list.query_id}`;
    parents.join(query, `text ${textKey(list.query)}`);
    if (unit === 'queries') continue;
    for (const document of list.documents) {
      if (isPositive(document)) parents.join(query, `passage ${document.id}`);
    }
  }
  const units = new Map<string, { name: string; lists: ListRecord[] }>();
  for (const list of lists) {
    const root = parents.find(`query ${list.query_id}`);
    const found = units.get(root) ?? { name: list.query_id, lists: [] };
    if (list.query_id < found.name) found.name = list.query_id;
    found.lists.push(list);
    units.set(root, found);
  }
  const keyed = [...units.values()].map((found) => ({
    ...found,
    key: streamKey(seed, 'dev split', found.name),
  }));
  keyed.sort((a, b) => a.key - b.key || (a.name < b.name ? -1 : 1));
  return keyed.map((found) => found.lists);
}

/** Union–find over names, with path halving. */
class DisjointSets {
  readonly #parent = new Map<string, string>();

  find(name: string): string {
    let at = name;
    for (;;) {
      const parent = this.#parent.get(at);
      if (parent === undefined) return at;
      const above = this.#parent.get(parent);
      if (above === undefined) return parent;
      this.#parent.set(at, above);
      at = above;
    }
  }

  join(a: string, b: string): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA !== rootB) this.#parent.set(rootA, rootB);
  }
}

/** Whether a list's query is one of these, by id or by text. */
export function queryTest(queries: readonly Query[]): (list: ListRecord) => boolean {
  const ids = new Set(queries.map(({ id }) => id));
  const texts = new Set(queries.map(({ text }) => textKey(text)));
  return ({ query_id, query }) => ids.has(query_id) || texts.has(textKey(query));
}

export interface SharedDocuments {
  /** Test queries with a relevant document that is relevant to a train query as well. */
  readonly shared: readonly string[];
  /** The other test queries. */
  readonly disjoint: readonly string[];
  /** Relevant documents of the test queries, and how many of them are relevant to a train query. */
  readonly relevantDocuments: number;
  readonly sharedDocuments: number;
}

/** Which test queries share a relevant document with a train query: those a trained model may know already. */
export function sharedWithTrain(test: Judgments, train: Judgments, level = 1): SharedDocuments {
  const ofTrain = new Set([...train.keys()].flatMap((query) => relevantDocuments(train, query, level)));
  const ofTest = new Set([...test.keys()].flatMap((query) => relevantDocuments(test, query, level)));
  const isShared = (query: string): boolean =>
    relevantDocuments(test, query, level).some((id) => ofTrain.has(id));
  return {
    shared: [...test.keys()].filter(isShared),
    disjoint: [...test.keys()].filter((query) => !isShared(query)),
    relevantDocuments: ofTest.size,
    sharedDocuments: [...ofTest].filter((id) => ofTrain.has(id)).length,
  };
}
