/** The record of push and pull as checkpoints and results store it. */
import {
  fromFloat32,
  readSafetensors,
  writeSafetensors,
  type StoredTensor,
} from '../../formats/safetensors.ts';
import { floatsOf, integersOf, integerTensor, jsonOf, jsonTensor } from '../../formats/stored-tensors.ts';

/** Push and pull on all passages of a source, over all lists: not only what the pairs hold. */
export type SourceForce = Readonly<{ source: string; push: number; pull: number }>;

/** What it covers. A type alias, so that it is assignable to Json. */
export type ForceFacts = Readonly<{
  /** Steps done before the first that is recorded: above 0 where a checkpoint had no record. */
  from: number;
  /** Steps done when it was made. */
  to: number;
  /** Passages of a list that are recorded in a step, at most. */
  strongest: number;
  /** Pairs that were dropped for want of room: each time the weaker half. What comes later of them counts anew. */
  droppedPairs: number;
  /** In the order in which they were first met. */
  sources: readonly SourceForce[];
}>;

/** The same number of entries in each column. */
export interface ForceRecord extends ForceFacts {
  /** Ids of the queries of lists, and of passages, that the pairs name by their place. */
  readonly queries: readonly string[];
  readonly passages: readonly string[];
  readonly query: Uint32Array<ArrayBuffer>;
  readonly passage: Uint32Array<ArrayBuffer>;
  /** Sums over steps, neither of them negative. */
  readonly push: Float32Array<ArrayBuffer>;
  readonly pull: Float32Array<ArrayBuffer>;
  /** How often the pair was recorded. */
  readonly times: Uint32Array<ArrayBuffer>;
}

/** Bytes that a pair takes in a file, without the texts of its ids. */
export const bytesPerPair = 20;

const FILE = 'a record of push and pull';

export function encodeForces(record: ForceRecord): Uint8Array<ArrayBuffer> {
  const { from, to, strongest, droppedPairs, sources, queries, passages, push, pull } = record;
  const facts: ForceFacts = { from, to, strongest, droppedPairs, sources };
  return writeSafetensors(
    new Map<string, StoredTensor>([
      ['facts', jsonTensor(facts)],
      ['queries', jsonTensor(queries)],
      ['passages', jsonTensor(passages)],
      ['query', integerTensor(record.query)],
      ['passage', integerTensor(record.passage)],
      ['push', fromFloat32([push.length], push)],
      ['pull', fromFloat32([pull.length], pull)],
      ['times', integerTensor(record.times)],
    ]),
  );
}

export function decodeForces(bytes: Uint8Array<ArrayBuffer>): ForceRecord {
  const { tensors } = readSafetensors(bytes, FILE);
  return {
    ...(jsonOf(tensors, 'facts', FILE) as ForceFacts),
    queries: jsonOf(tensors, 'queries', FILE) as string[],
    passages: jsonOf(tensors, 'passages', FILE) as string[],
    query: integersOf(tensors, 'query', FILE),
    passage: integersOf(tensors, 'passage', FILE),
    push: floatsOf(tensors, 'push', FILE),
    pull: floatsOf(tensors, 'pull', FILE),
    times: integersOf(tensors, 'times', FILE),
  };
}

/** The record with its ids and pairs in the order of the ids, and no ids without a pair: equal for equal forces. */
export function sortedForces(record: ForceRecord): ForceRecord {
  const queries = ranksOf(record.queries, record.query);
  const passages = ranksOf(record.passages, record.passage);
  const order = Uint32Array.from(record.query.keys()).sort(
    (a, b) =>
      queries.rank(record.query[a] as number) - queries.rank(record.query[b] as number) ||
      passages.rank(record.passage[a] as number) - passages.rank(record.passage[b] as number),
  );
  return {
    ...record,
    queries: queries.ids,
    passages: passages.ids,
    query: order.map((pair) => queries.rank(record.query[pair] as number)),
    passage: order.map((pair) => passages.rank(record.passage[pair] as number)),
    push: Float32Array.from(order, (pair) => record.push[pair] as number),
    pull: Float32Array.from(order, (pair) => record.pull[pair] as number),
    times: order.map((pair) => record.times[pair] as number),
  };
}

interface RankedIds {
  readonly ids: readonly string[];
  rank(place: number): number;
}

function ranksOf(ids: readonly string[], used: Uint32Array): RankedIds {
  const places = [...new Set(used)].sort((a, b) => ((ids[a] as string) < (ids[b] as string) ? -1 : 1));
  const ranks = new Uint32Array(ids.length);
  places.forEach((place, rank) => (ranks[place] = rank));
  return { ids: places.map((place) => ids[place] as string), rank: (place) => ranks[place] as number };
}
