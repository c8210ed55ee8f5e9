import { RandomStream } from '../../src/core/random.ts';
import type { BatchLayout } from '../../src/training/batch-layout.ts';
import type { BatchEmbeddings } from '../../src/training/similarity.ts';

export interface EmbeddedBatch {
  readonly embeddings: BatchEmbeddings & { readonly queries: Float64Array; readonly passages: Float64Array };
  readonly layout: BatchLayout;
}

/** A random batch: lists of unequal length, documents that stand in several lists, some with two positives. */
export function randomBatch(seed: number, lists: number, longest = 5, dimension = 7): EmbeddedBatch {
  const random = new RandomStream(seed, 'embedded batch');
  const lengths = Array.from({ length: lists }, () => 2 + random.integer(longest - 1));
  const offsets = new Int32Array(lists + 1);
  lengths.forEach((length, i) => (offsets[i + 1] = offsets[i]! + length));
  const passages = offsets[lists]!;
  const positive = Int32Array.from(lengths, (length, i) => offsets[i]! + random.integer(length));
  const documents = Int32Array.from({ length: passages }, () => random.integer(Math.ceil(passages * 0.7)));
  const labels = Float64Array.from({ length: passages }, () => random.integer(2));
  // Copies of a document have the same vector, and the teacher's dimension is its own.
  const teacherDimension = 3;
  const taught = new RandomStream(seed, 'teacher vectors');
  const vectors = (count: number): Float32Array<ArrayBuffer>[] =>
    Array.from({ length: count }, () => {
      const row = Float32Array.from({ length: teacherDimension }, () => taught.normal());
      return row.map((value) => value / Math.hypot(...row));
    });
  const joined = (rows: readonly Float32Array[]): Float32Array<ArrayBuffer> =>
    Float32Array.from(rows.flatMap((row) => [...row]));
  const ofDocuments = vectors(passages);
  for (const passage of positive) labels[passage] = 1 + random.integer(3);
  return {
    embeddings: {
      queries: Float64Array.from({ length: lists * dimension }, () => random.normal()),
      passages: Float64Array.from({ length: passages * dimension }, () => random.normal()),
      dimension,
    },
    layout: {
      offsets,
      positive,
      documents,
      positiveDocuments: Array.from(positive, (passage, i) => {
        const own = documents.subarray(offsets[i], offsets[i + 1]);
        const known = own.filter((_, n) => labels[offsets[i]! + n]! > 0);
        return Int32Array.from(new Set([documents[passage]!, ...known]));
      }),
      labels,
      teacher: Float64Array.from({ length: passages }, () => random.uniform()),
      teacherVectors: {
        queries: joined(vectors(lists)),
        passages: joined(Array.from(documents, (document) => ofDocuments[document]!)),
        dimension: teacherDimension,
      },
      sources: Array.from({ length: passages }, (_, passage) =>
        positive.includes(passage) ? 'gold' : 'bm25',
      ),
    },
  };
}
