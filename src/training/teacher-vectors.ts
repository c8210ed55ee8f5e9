import type { ListRecord } from '../corpus/types.ts';
import type { TextVectors } from '../retrieval/text-vectors.ts';
import type { BatchTeacher } from './batch-layout.ts';

/** A teacher's vectors of every query and passage of some lists. */
export class TeacherVectors {
  /** Of what they are read from. */
  readonly hash: string;
  readonly #vectors: TextVectors;
  readonly #queries: ReadonlyMap<string, number>;
  readonly #passages: ReadonlyMap<string, number>;

  private constructor(
    vectors: TextVectors,
    queries: ReadonlyMap<string, number>,
    passages: ReadonlyMap<string, number>,
  ) {
    this.hash = vectors.hash;
    this.#vectors = vectors;
    this.#queries = queries;
    this.#passages = passages;
  }

  /** @throws InputError if a query or a passage has no vector */
  static async of(vectors: TextVectors, lists: readonly ListRecord[]): Promise<TeacherVectors> {
    const { queries, passages } = textsOfLists(lists);
    const rows = async (texts: readonly string[], side: 'query' | 'passage') => {
      const found = await vectors.rowsOf(texts, side);
      return new Map(texts.map((text, i) => [text, found[i] as number]));
    };
    return new TeacherVectors(vectors, await rows(queries, 'query'), await rows(passages, 'passage'));
  }

  /** Those of a batch, in its order. */
  batch(queries: readonly string[], passages: readonly string[]): BatchTeacher {
    return {
      queries: this.#gather(queries, this.#queries, this.#vectors.vectorsOf('query')),
      passages: this.#gather(passages, this.#passages, this.#vectors.vectorsOf('passage')),
      dimension: this.#vectors.dimension,
    };
  }

  #gather(texts: readonly string[], rows: ReadonlyMap<string, number>, all: Float32Array): Float32Array {
    const { dimension } = this.#vectors;
    const vectors = new Float32Array(texts.length * dimension);
    texts.forEach((text, i) => {
      const row = rows.get(text);
      if (row === undefined) throw new RangeError('a batch has a text that its lists lack');
      vectors.set(all.subarray(row * dimension, (row + 1) * dimension), i * dimension);
    });
    return vectors;
  }
}

/** The distinct texts of lists, in the order of their first appearance. */
export function textsOfLists(lists: readonly ListRecord[]): {
  readonly queries: readonly string[];
  readonly passages: readonly string[];
} {
  const queries = new Set<string>();
  const passages = new Set<string>();
  for (const { query, documents } of lists) {
    queries.add(query);
    for (const { text } of documents) passages.add(text);
  }
  return { queries: [...queries], passages: [...passages] };
}
