/** A small corpus with judgments, as a zip in BEIR layout, that can be learned from. */
import { strToU8, zipSync } from 'fflate';
import { makeLists } from '../support/training-lists.ts';

const queries = 80;
const testQueries = 20;

export function beirZip(): Buffer {
  const lists = makeLists(queries);
  const lines = (records: readonly object[]): Uint8Array =>
    strToU8(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const judgments = (from: number, to: number): Uint8Array =>
    strToU8(
      `query-id\tcorpus-id\tscore\n${lists
        .slice(from, to)
        .map(({ query_id, documents }) => `${query_id}\t${documents[0]?.id ?? ''}\t1\n`)
        .join('')}`,
    );
  return Buffer.from(
    zipSync({
      small: {
        'corpus.jsonl': lines(
          lists.flatMap(({ documents }) => documents.map(({ id, text }) => ({ _id: id, title: '', text }))),
        ),
        'queries.jsonl': lines(lists.map(({ query_id, query }) => ({ _id: query_id, text: query }))),
        qrels: {
          'train.tsv': judgments(0, queries - testQueries),
          'test.tsv': judgments(queries - testQueries, queries),
        },
      },
    }),
  );
}
