import { percentile } from '../percentile.ts';
import { scoresByGroup } from '../score-groups.ts';
import type { ListRuleDefinition } from './contract.ts';
import { shortNumber } from './positive-score.ts';

/**
 * The floor is a percentile (by linear interpolation) of all teacher scores that earlier rules left in the group. A
 * list's own best score is measured against it.
 */
export const topScorePercentile: ListRuleDefinition = {
  name: 'percentile',
  bound: '>=',
  judges: 'lists',
  keeps: 'lists whose highest teacher score reaches the T-th percentile of the scores of their group',
  origin: '25 in the code of arXiv 2502.19712',
  reads: 'teacher',
  takesSource: false,
  threshold: { min: 0, max: 100 },
  prepare: (lists, threshold) => {
    const floors = new Map(
      [
        ...scoresByGroup(
          lists,
          ({ group }) => group,
          ({ teacher }) => teacher,
        ),
      ].map(([group, scores]) => [group, percentile(scores, threshold)]),
    );
    return ({ group, documents }) => {
      const floor = floors.get(group);
      const best = Math.max(...documents.map(({ teacher = -Infinity }) => teacher));
      if (floor === undefined || best === -Infinity) return 'skip: no teacher score';
      return best >= floor
        ? 'keep'
        : `drop: the best score ${shortNumber(best)} is below ${shortNumber(floor)}`;
    };
  },
};
