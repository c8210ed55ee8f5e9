import { InputError } from '../../host/errors.ts';
import { nearestName } from '../../host/nearest-name.ts';
import type { Prompt } from '../prompt.ts';
import { claims, severalClaims } from './claims.ts';
import { gradedPassages } from './graded-passages.ts';
import { brokenRequirements, hardNegatives, hardNegativesOfQuery } from './hard-negatives.ts';
import { keywords, severalKeywords } from './keywords.ts';
import { msmarco, severalMsmarco } from './msmarco.ts';
import { queryOfEachKind } from './query-of-each-kind.ts';
import { questions, severalQuestions } from './questions.ts';
import { relevanceLabel } from './relevance-label.ts';
import { severalTitles, titles } from './titles.ts';
import { severalUserQueries, userQueries } from './user-queries.ts';

/** The prompts that come with the studio. */
export const prompts: readonly Prompt[] = [
  questions,
  claims,
  titles,
  keywords,
  msmarco,
  userQueries,
  severalQuestions,
  severalClaims,
  severalTitles,
  severalKeywords,
  severalMsmarco,
  severalUserQueries,
  queryOfEachKind,
  hardNegatives,
  hardNegativesOfQuery,
  brokenRequirements,
  gradedPassages,
  relevanceLabel,
];

/** @throws InputError naming the nearest one if there is no such prompt. */
export function promptById(id: string): Prompt {
  const found = prompts.find((prompt) => prompt.id === id);
  if (found !== undefined) return found;
  const ids = prompts.map((prompt) => prompt.id);
  const nearest = nearestName(id, ids);
  throw new InputError(`there is no prompt ${JSON.stringify(id)}`, {
    remedy: nearest === undefined ? `There are ${ids.join(', ')}` : `Did you mean ${nearest}?`,
  });
}
