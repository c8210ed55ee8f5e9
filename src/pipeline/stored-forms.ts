/** How rankings, lists and weights lie in the store. */
import type { ListRecord } from '../corpus/types.ts';
import {
  fromFloat32,
  readSafetensors,
  toFloat32,
  writeSafetensors,
  type StoredTensor,
} from '../formats/safetensors.ts';
import { floatsOf, integersOf, integerTensor, jsonOf, jsonTensor } from '../formats/stored-tensors.ts';
import type { Weights } from '../encoders/types.ts';
import type { ListsBlob } from './stage-store.ts';
import type { RankedDocument, Ranking } from '../retrieval/ranking.ts';

const FILE = 'a stored stage';

/**
 * A ranking as a safetensors file: query and document ids once each, and for each ranked document its number (U32) and
 * score (F32), 8 bytes in all.
 */
export function encodeRanking(ranking: Ranking): Uint8Array<ArrayBuffer> {
  const numbers = new Map<string, number>();
  const rows = [...ranking.values()].flat();
  const documents = Uint32Array.from(rows, ({ id }) => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return number;
  });
  const counts = Uint32Array.from([...ranking.values()], (found) => found.length);
  return writeSafetensors(
    new Map<string, StoredTensor>([
      ['queries', jsonTensor([...ranking.keys()])],
      ['ids', jsonTensor([...numbers.keys()])],
      ['counts', integerTensor(counts)],
      ['documents', integerTensor(documents)],
      [
        'scores',
        fromFloat32(
          [rows.length],
          Float32Array.from(rows, ({ score }) => score),
        ),
      ],
    ]),
  );
}

export function decodeRanking(bytes: Uint8Array<ArrayBuffer>): Ranking {
  const { tensors } = readSafetensors(bytes, FILE);
  const queries = jsonOf(tensors, 'queries', FILE) as string[];
  const ids = jsonOf(tensors, 'ids', FILE) as string[];
  const counts = integersOf(tensors, 'counts', FILE);
  const documents = integersOf(tensors, 'documents', FILE);
  const scores = floatsOf(tensors, 'scores', FILE);
  const ranking = new Map<string, readonly RankedDocument[]>();
  let at = 0;
  queries.forEach((query, row) => {
    const found: RankedDocument[] = [];
    for (let rank = 1; rank <= (counts[row] ?? 0); rank++, at++) {
      found.push({ id: ids[documents[at] as number] ?? '', score: scores[at] as number, rank });
    }
    ranking.set(query, found);
  });
  return ranking;
}

export function listsBlob(lists: readonly ListRecord[]): ListsBlob {
  return { lists, bytes: () => encodeLists(lists) };
}

export function encodeLists(lists: readonly ListRecord[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(lists.map((list) => `${JSON.stringify(list)}\n`).join(''));
}

export function decodeLists(bytes: Uint8Array<ArrayBuffer>): ListRecord[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ListRecord);
}

export function encodeWeights(weights: Weights): Uint8Array<ArrayBuffer> {
  return writeSafetensors(
    new Map([...weights].map(([name, { dims, data }]) => [name, fromFloat32(dims, data)])),
  );
}

export function decodeWeights(bytes: Uint8Array<ArrayBuffer>): Weights {
  const { tensors } = readSafetensors(bytes, FILE);
  return new Map(
    [...tensors].map(([name, tensor]) => [name, { dims: tensor.dims, data: toFloat32(tensor, name, FILE) }]),
  );
}
