import { candidateRank } from './candidate-rank.ts';
import { containedAnswers } from './contained-answers.ts';
import type { RuleDefinition } from './contract.ts';
import { highestHandLabel, highestModelLabel, lowestHandLabel, lowestModelLabel } from './given-labels.ts';
import { guideMargin } from './guide-margin.ts';
import { guideRelativeMargin } from './guide-relative-margin.ts';
import { maximumLength, minimumLength } from './list-length.ts';
import { margin } from './margin.ts';
import { negativeOverlap, positiveOverlap } from './near-duplicates.ts';
import { relativeMargin } from './relative-margin.ts';
import { shareOfPositive } from './share-of-positive.ts';
import { teacherRank } from './teacher-rank.ts';
import { topScorePercentile } from './top-score-percentile.ts';

/** Every kind of filter rule. A new one gets a file beside these and a line here. */
export const filterRules: readonly RuleDefinition[] = [
  shareOfPositive,
  margin,
  relativeMargin,
  teacherRank,
  candidateRank,
  topScorePercentile,
  guideMargin,
  guideRelativeMargin,
  containedAnswers,
  highestModelLabel,
  lowestModelLabel,
  highestHandLabel,
  lowestHandLabel,
  positiveOverlap,
  negativeOverlap,
  minimumLength,
  maximumLength,
];
