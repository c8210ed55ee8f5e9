import { InputError } from '../host/errors.ts';
import { streamKey } from '../host/random.ts';
import { relevantDocuments } from './judgments.ts';
import { isPositive, textKey } from './text-key.ts';
import type { Judgments, ListRecord } from './types.ts';

export interface Split {
  readonly train: readonly ListRecord[];
  readonly dev: readonly ListRecord[];
}

/**
 * Splits lists into train and dev by passage: all queries of a positive passage fall on the same side, and so do
 * queries that share one, directly or over others, and lines of the same query. What falls where depends on the
 * seed and the ids alone, not on the order of the lists.
 *
 * @param fraction of the lists that go to dev, at most; groups are not cut to reach it exactly.
 * @throws InputError if no group of queries fits into dev.
 */
export function splitByPassage(lists: readonly ListRecord[], fraction: number, seed: number): Split {
  const target = Math.round(lists.length * fraction);
  const dev = new Set<ListRecord>();
  for (const group of groupsInRandomOrder(lists, seed)) {
    if (dev.size + group.length <= target) group.forEach((list) => dev.add(list));
  }
  if (target > 0 && dev.size === 0) {
    throw new InputError(
      'no dev split can be made: every group of queries with common passages is too large',
      {
        remedy: 'Give a dev set of its own, or a larger fraction',
      },
    );
  }
  return { train: lists.filter((list) => !dev.has(list)), dev: lists.filter((list) => dev.has(list)) };
}

/**
 * Deals lists into folds by passage: what shares a positive, directly or over others, is in one fold, and folds are as
 * equal in size as that allows. Which fold is a function of the seed and the ids alone.
 * @returns for each fold its lists, in their order
 * @throws InputError if there are fewer groups of queries than folds
 */
export function foldsByPassage(
  lists: readonly ListRecord[],
  count: number,
  seed: number,
): readonly (readonly ListRecord[])[] {
  const groups = groupsInRandomOrder(lists, seed);
  if (groups.length < count) {
    throw new InputError(
      `${lists.length} queries make ${groups.length} groups without a passage in common, too few for ${count} folds`,
      { remedy: 'Take fewer folds' },
    );
  }
  const folds = Array.from({ length: count }, () => new Set<ListRecord>());
  // The largest groups first, each to the fold that has the least: equal groups keep their random order.
  for (const group of [...groups].sort((a, b) => b.length - a.length)) {
    const smallest = folds.reduce((least, fold) => (fold.size < least.size ? fold : least));
    group.forEach((list) => smallest.add(list));
  }
  return folds.map((fold) => lists.filter((list) => fold.has(list)));
}

/** The connected groups of lists, in an order that the seed and the ids decide. */
function groupsInRandomOrder(lists: readonly ListRecord[], seed: number): readonly (readonly ListRecord[])[] {
  const parents = new DisjointSets();
  for (const list of lists) {
    const query = `query ${list.query_id}`;
    parents.join(query, `text ${textKey(list.query)}`);
    for (const document of list.documents) {
      if (isPositive(document)) parents.join(query, `passage ${document.id}`);
    }
  }
  const groups = new Map<string, { name: string; lists: ListRecord[] }>();
  for (const list of lists) {
    const root = parents.find(`query ${list.query_id}`);
    const group = groups.get(root) ?? { name: list.query_id, lists: [] };
    if (list.query_id < group.name) group.name = list.query_id;
    group.lists.push(list);
    groups.set(root, group);
  }
  const keyed = [...groups.values()].map((group) => ({
    ...group,
    key: streamKey(seed, 'dev split', group.name),
  }));
  keyed.sort((a, b) => a.key - b.key || (a.name < b.name ? -1 : 1));
  return keyed.map((group) => group.lists);
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
