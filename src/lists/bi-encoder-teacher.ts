import type { ListRecord } from '../corpus/types.ts';
import type { EmbedTexts } from '../retrieval/retrieve.ts';
import type { ScorePairs } from './cross-encoder-teacher.ts';
import type { Teacher } from './teacher.ts';

/** Embedded together, between two reports of progress. */
const TEXTS_AT_ONCE = 4096;

/**
 * An encoder as teacher: the cosine of a query's and a passage's vectors, from −1 to 1. Each distinct text of a side
 * is embedded once; the vectors of all distinct texts are in memory together.
 */
export function biEncoderTeacher(embed: EmbedTexts): Teacher {
  return {
    async score(lists, { onProgress } = {}) {
      const queries = numberTexts(lists.map(({ query }) => query));
      const passages = numberTexts(passageTexts(lists));
      const total = queries.size + passages.size;
      const queryRows = await embedAll([...queries.keys()], 'query', embed, (done) =>
        onProgress?.(done, total),
      );
      const passageRows = await embedAll([...passages.keys()], 'passage', embed, (done) =>
        onProgress?.(queries.size + done, total),
      );
      return lists.map(({ query, documents }) => {
        const row = queryRows[queries.get(query) as number] as Float32Array;
        return Float64Array.from(documents, ({ text }) =>
          cosine(row, passageRows[passages.get(text) as number] as Float32Array),
        );
      });
    },
  };
}

/**
 * The same cosines pair by pair, for scores that are kept. Each distinct text of a side is embedded once, in the call
 * that first has it; all vectors stay in memory.
 */
export function biEncoderPairs(embed: EmbedTexts): ScorePairs {
  const known = { query: new Map<string, Float32Array>(), passage: new Map<string, Float32Array>() };
  const learn = async (texts: Iterable<string>, side: 'query' | 'passage'): Promise<void> => {
    const rows = known[side];
    const missing = [...new Set(texts)].filter((text) => !rows.has(text));
    if (missing.length === 0) return;
    const vectors = await embedAll(missing, side, embed, () => undefined);
    missing.forEach((text, i) => rows.set(text, vectors[i] as Float32Array));
  };
  return async (pairs) => {
    await learn(
      pairs.map(([query]) => query),
      'query',
    );
    await learn(
      pairs.map(([, passage]) => passage),
      'passage',
    );
    return Float64Array.from(pairs, ([query, passage]) =>
      cosine(known.query.get(query) as Float32Array, known.passage.get(passage) as Float32Array),
    );
  };
}

function* passageTexts(lists: readonly ListRecord[]): Generator<string> {
  for (const { documents } of lists) for (const { text } of documents) yield text;
}

/** The distinct texts with their places in the order of their first appearance. */
function numberTexts(texts: Iterable<string>): Map<string, number> {
  const places = new Map<string, number>();
  for (const text of texts) if (!places.has(text)) places.set(text, places.size);
  return places;
}

/** A vector for each text. */
async function embedAll(
  texts: readonly string[],
  side: 'query' | 'passage',
  embed: EmbedTexts,
  onProgress: (done: number) => void,
): Promise<readonly Float32Array[]> {
  const rows: Float32Array[] = [];
  for (let start = 0; start < texts.length; start += TEXTS_AT_ONCE) {
    const part = texts.slice(start, start + TEXTS_AT_ONCE);
    const vectors = await embed(part, side);
    const width = vectors.length / part.length;
    for (let i = 0; i < part.length; i++) rows.push(vectors.subarray(i * width, (i + 1) * width));
    onProgress(rows.length);
  }
  return rows;
}

/** In float64; 0 where a vector is 0. */
function cosine(left: Float32Array, right: Float32Array): number {
  let dot = 0;
  let leftSquares = 0;
  let rightSquares = 0;
  for (let i = 0; i < left.length; i++) {
    const x = left[i] as number;
    const y = right[i] as number;
    dot += x * y;
    leftSquares += x * x;
    rightSquares += y * y;
  }
  const product = Math.sqrt(leftSquares) * Math.sqrt(rightSquares);
  return product === 0 ? 0 : Math.min(1, Math.max(-1, dot / product));
}
