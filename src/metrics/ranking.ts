import type { GradedRanking } from './measures/measure.ts';
import { unjudged } from './measures/measure.ts';
import type { ScoredDocuments } from './run.ts';

/**
 * Positions of the documents from best to worst, as trec_eval ranks: by score, compared as float32; equal scores
 * by document id, descending by bytes.
 */
export function rankDocuments({ documents, scores }: ScoredDocuments): readonly number[] {
  const rounded = Float32Array.from(scores);
  return Array.from(documents.keys()).sort((a, b) => {
    const x = rounded[a] ?? 0;
    const y = rounded[b] ?? 0;
    if (x !== y) return x > y ? -1 : 1;
    return compareBytes(documents[b] ?? '', documents[a] ?? '');
  });
}

/**
 * Compares strings as C compares their UTF-8 bytes, which is by code point. JavaScript compares UTF-16 units,
 * where a surrogate (0xD800 to 0xDFFF) sorts below the characters from 0xE000 on that it must sort above.
 */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return moveSurrogatesLast(x) - moveSurrogatesLast(y);
  }
  return a.length - b.length;
}

function moveSurrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Prepares one query for the measures: the ranked documents' grades, and the totals of the judgments. */
export function gradeRanking(
  ranked: readonly string[],
  judged: ReadonlyMap<string, number>,
  relevanceLevel: number,
): GradedRanking {
  const known = [...judged.values()].filter((grade) => grade >= 0);
  const relevant = known.filter((grade) => grade >= relevanceLevel).length;
  return {
    grades: ranked.map((document) => Math.max(judged.get(document) ?? unjudged, unjudged)),
    idealGrades: known.filter((grade) => grade > 0).sort((a, b) => b - a),
    relevanceLevel,
    relevant,
    nonrelevant: known.length - relevant,
  };
}
