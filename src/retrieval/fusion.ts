import type { Source } from '../corpus/types.ts';
import { compareBytes } from '../metrics/ranking.ts';
import type { RankedDocument, Ranking } from './ranking.ts';

export interface FusionInput {
  readonly source: Source;
  readonly ranking: Ranking;
  /** 1 by default. */
  readonly weight?: number;
}

/** Where one retriever had the document. */
export interface Contribution {
  readonly source: Source;
  readonly rank: number;
  /** The retriever's own. */
  readonly score: number;
}

export interface FusedDocument extends RankedDocument {
  /** One for each retriever that returned it, in the order of the inputs. */
  readonly contributions: readonly Contribution[];
}

export type FusedRanking = ReadonlyMap<string, readonly FusedDocument[]>;

/**
 * Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): a document's score is the sum of
 * weight / (k + rank) over the rankings that have it.
 * @param k 60 in the paper; larger values make the first ranks count less
 */
export function fuseByRank(inputs: readonly FusionInput[], k = 60): FusedRanking {
  return fuse(
    inputs,
    () =>
      ({ rank }) =>
        1 / (k + rank),
  );
}

/**
 * Weighted sum of scores, min-max normalized to [0, 1] per query and ranking (all 1 if they are equal). A document
 * missing from a ranking gets 0 from it.
 */
export function fuseByScore(inputs: readonly FusionInput[]): FusedRanking {
  return fuse(inputs, (documents) => {
    let lowest = Infinity;
    let highest = -Infinity;
    for (const { score } of documents) {
      lowest = Math.min(lowest, score);
      highest = Math.max(highest, score);
    }
    return ({ score }) => (highest === lowest ? 1 : (score - lowest) / (highest - lowest));
  });
}

/** Looks at one query's ranking and gives what each of its documents gets from it. */
type Shares = (documents: readonly RankedDocument[]) => (document: RankedDocument) => number;

function fuse(inputs: readonly FusionInput[], shares: Shares): FusedRanking {
  const queries = new Set(inputs.flatMap(({ ranking }) => [...ranking.keys()]));
  return new Map([...queries].map((query) => [query, fuseQuery(inputs, query, shares)]));
}

function fuseQuery(inputs: readonly FusionInput[], query: string, shares: Shares): FusedDocument[] {
  const found = new Map<string, { score: number; contributions: Contribution[] }>();
  for (const { source, ranking, weight = 1 } of inputs) {
    const documents = ranking.get(query) ?? [];
    const share = shares(documents);
    for (const document of documents) {
      const fused = found.get(document.id) ?? { score: 0, contributions: [] };
      fused.score += weight * share(document);
      fused.contributions.push({ source, rank: document.rank, score: document.score });
      found.set(document.id, fused);
    }
  }
  return [...found]
    .map(([id, { score, contributions }]) => ({ id, score: Math.fround(score), contributions }))
    .sort((a, b) => b.score - a.score || compareBytes(b.id, a.id))
    .map((document, i) => ({ ...document, rank: i + 1 }));
}
