import { InputError } from '../../core/errors.ts';
import { nearestName } from '../../core/nearest-name.ts';
import type { Prompt } from '../prompt.ts';
import { extractedClauses, extractedKeywords } from './extracted.ts';
import { gradedPassages } from './graded-passages.ts';
import { brokenRequirements, hardNegatives, hardNegativesOfQuery } from './hard-negatives.ts';
import { queryKinds } from './query-kinds.ts';
import { queryOfEachKind } from './query-of-each-kind.ts';
import { onePerRequest, severalPerRequest } from './query-prompts.ts';
import { relevanceLabel } from './relevance-label.ts';

/** The prompts that come with the studio. */
export const prompts: readonly Prompt[] = [
  ...queryKinds.map(onePerRequest),
  ...queryKinds.map(severalPerRequest),
  queryOfEachKind,
  extractedClauses,
  extractedKeywords,
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
    remedy: nearest === undefined ? `Use one of ${ids.join(', ')}` : `Did you mean ${nearest}?`,
  });
}
