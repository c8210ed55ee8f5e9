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
  const queries = sortedIds(record.queries, record.query);
  const passages = sortedIds(record.passages, record.passage);
  // By query, and for each by passage: the second sort keeps the order of the first among equals.
  const byPassage = sortedBy(undefined, passages.column, passages.ids.length);
  const order = sortedBy(byPassage, queries.column, queries.ids.length);
  return {
    ...record,
    queries: queries.ids,
    passages: passages.ids,
    query: order.map((pair) => queries.column[pair] as number),
    passage: order.map((pair) => passages.column[pair] as number),
    push: inOrder(record.push, order),
    pull: inOrder(record.pull, order),
    times: order.map((pair) => record.times[pair] as number),
  };
}

function inOrder(values: Float32Array, order: Uint32Array): Float32Array<ArrayBuffer> {
  const sorted = new Float32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = values[order[i] as number] as number;
  return sorted;
}

/** The ids that a column names, sorted, and the column with their new places. */
function sortedIds(
  ids: readonly string[],
  column: Uint32Array,
): { readonly ids: readonly string[]; readonly column: Uint32Array } {
  const isUsed = new Uint8Array(ids.length);
  for (let i = 0; i < column.length; i++) isUsed[column[i] as number] = 1;
  const idAt = (place: number): string => ids[place] as string;
  const places = [...ids.keys()].filter((place) => isUsed[place] === 1);
  places.sort((a, b) => (idAt(a) < idAt(b) ? -1 : 1));
  const ranks = new Uint32Array(ids.length);
  places.forEach((place, rank) => (ranks[place] = rank));
  return { ids: places.map(idAt), column: column.map((place) => ranks[place] as number) };
}

/**
 * Pairs by a column of whole numbers below a limit, in time that grows with their number alone.
 * @param pairs in the order that equals keep; as they stand by default
 */
function sortedBy(
  pairs: Uint32Array | undefined,
  column: Uint32Array,
  limit: number,
): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(limit + 1);
  for (let i = 0; i < column.length; i++) {
    const next = (column[i] as number) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let i = 0; i < limit; i++) starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number);
  const sorted = new Uint32Array(column.length);
  for (let i = 0; i < column.length; i++) {
    const pair = pairs === undefined ? i : (pairs[i] as number);
    const value = column[pair] as number;
    const at = starts[value] as number;
    sorted[at] = pair;
    starts[value] = at + 1;
  }
  return sorted;
}
