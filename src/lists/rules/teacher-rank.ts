import type { ListRuleDefinition } from './contract.ts';
import { positiveScore } from './positive-score.ts';

export const teacherRank: ListRuleDefinition = {
  name: 'teacher-rank',
  bound: '<=',
  judges: 'lists',
  keeps: 'lists whose positive the teacher ranks in the top T (1: no passage scores above it)',
  origin: '1 in arXiv 2502.19712',
  reads: 'teacher',
  takesSource: false,
  threshold: { min: 1, max: 1e6, isWhole: true },
  prepare: (_, threshold) => (list) => {
    const positive = positiveScore(list);
    if (positive === undefined) return 'skip: no positive with a teacher score';
    const above = list.others.filter(({ teacher }) => teacher !== undefined && teacher > positive).length;
    return above < threshold ? 'keep' : `drop: the teacher ranks the positive ${above + 1}`;
  },
};
