import { isPositive } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';

/** What may say that a passage meant as a negative is relevant, best evidence first. */
export type RelevanceEvidence = 'hand_label' | 'model_label' | 'teacher';

/**
 * Whether a negative is called relevant, by the best evidence there is: a person's label above 0, a model's of 2 or
 * more (3 answers the query, 2 has some of the answer), or a teacher's score above the best positive's.
 * @returns undefined where nothing says anything
 */
export function isAccidentallyRelevant(
  document: ListDocument,
  list: ListRecord,
): { readonly relevant: boolean; readonly by: RelevanceEvidence } | undefined {
  const { hand_label: hand, model_label: model, teacher } = document;
  if (hand !== undefined) return { relevant: hand > 0, by: 'hand_label' };
  if (model !== undefined) return { relevant: model >= 2, by: 'model_label' };
  const positives = list.documents.flatMap((each) => (isPositive(each) ? (each.teacher ?? []) : []));
  if (teacher === undefined || positives.length === 0) return undefined;
  return { relevant: teacher > Math.max(...positives), by: 'teacher' };
}
