import { InputError } from '../../core/errors.ts';
import type { ListDocument, Source } from '../../corpus/types.ts';
import type { ListRuleDefinition } from './contract.ts';
import { own } from '../../core/own.ts';

/** A query that does not find its own passage is a bad query, or the passage a bad answer. */
export const candidateRank: ListRuleDefinition = {
  name: 'rank',
  bound: '<=',
  judges: 'lists',
  keeps: 'lists whose positive is in the top T of a retriever (any, or the one named)',
  origin: '20 in arXiv 2502.19712',
  takesSource: true,
  threshold: { min: 1, max: 1e6, isWhole: true },
  prepare: (lists, threshold, source) => {
    const isKnown = lists.some(({ positives }) =>
      positives.some((positive) => bestRank(positive, source) < Infinity),
    );
    if (!isKnown && lists.length > 0) {
      throw new InputError(
        `no positive of the lists has a rank${source === undefined ? '' : ` with "${source}"`}, which the rule "rank" reads`,
        { remedy: 'Re-run the mining with enough depth to find the positives, or remove the rule' },
      );
    }
    return ({ positives }) => {
      if (positives.length === 0) return 'skip: no positive';
      const rank = Math.min(...positives.map((positive) => bestRank(positive, source)));
      if (rank <= threshold) return 'keep';
      return rank === Infinity
        ? 'drop: no retriever found the positive'
        : `drop: the positive has rank ${rank}`;
    };
  },
};

/** The lowest rank of a passage with one retriever, or with any; Infinity where it has none. */
function bestRank({ source: proposedBy, rank, ranks }: ListDocument, source: Source | undefined): number {
  const all = { ...(rank !== undefined && { [proposedBy]: rank }), ...ranks };
  return source === undefined ? Math.min(...Object.values(all)) : (own(all, source) ?? Infinity);
}
