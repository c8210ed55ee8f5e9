import { isPositive } from '../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../corpus/types.ts';
import { RandomStream } from '../core/random.ts';
import { isDropped } from './verdicts.ts';

/** The source of a passage that stands among the negatives of a list although it is known to be relevant. */
export const PLANTED = 'planted';

export interface PlantOptions {
  /** Known positives that take the places of negatives, at most. 0 gives the control: the same lists without any. */
  readonly count: number;
  /** The lowest label of a positive; any above 0 by default. */
  readonly level?: number | undefined;
  readonly seed: number;
}

/**
 * Makes false negatives that are known to be false. Of each list's positives the one with the highest label stays what it
 * is; up to `count` of the others, drawn at random, become negatives (label 0, source {@link PLANTED}) in the place of
 * negatives drawn at random, so that every list is as long with them as without. The other positives are left out.
 * Lists with one positive, or without negatives, are left out too: whatever the count, the queries are the same.
 */
export function plantPositives(
  lists: readonly ListRecord[],
  { count, level, seed }: PlantOptions,
): readonly ListRecord[] {
  return lists.flatMap((list) => {
    const positives = list.documents.filter((each) => isPositive(each, level));
    const others = list.documents.filter((each) => !isPositive(each, level));
    const [first] = [...positives].sort((a, b) => (b.label ?? 0) - (a.label ?? 0));
    if (first === undefined || positives.length < 2 || others.length === 0) return [];
    const random = new RandomStream(seed, PLANTED, list.query_id);
    const planted = random.shuffle(positives.filter((each) => each !== first)).slice(0, count);
    const places = random.shuffle(Array.from(others.keys()));
    const negatives = [...others];
    planted.slice(0, places.length).forEach((document, i) => {
      negatives[places[i] as number] = asNegative(document);
    });
    return [{ ...list, documents: [first, ...negatives] }];
  });
}

function asNegative({ id, text, teacher, teacher_raw }: ListDocument): ListDocument {
  return {
    ...{ id, text, label: 0, source: PLANTED },
    ...(teacher !== undefined && { teacher }),
    ...(teacher_raw !== undefined && { teacher_raw }),
  };
}

/** What rules did with answers among the negatives. A type alias, so that it is assignable to Json. */
export type FilterQuality = Readonly<{
  /** Answers among the negatives, and how many of them were dropped. */
  answers: number;
  found: number;
  /** True negatives, as far as anybody knows, and how many of them were dropped. */
  others: number;
  lost: number;
}>;

/**
 * Holds verdicts against the truth.
 * @param isAnswer whether a passage that counts as a negative is an answer; by default, whether it was planted
 */
export function filterQuality(
  judged: readonly ListRecord[],
  isAnswer: (document: ListDocument, list: ListRecord) => boolean = ({ source }) => source === PLANTED,
): FilterQuality {
  const counts = { answers: 0, found: 0, others: 0, lost: 0 };
  for (const list of judged) {
    for (const document of list.documents) {
      if (isPositive(document)) continue;
      if (isAnswer(document, list)) {
        counts.answers++;
        if (isDropped(document)) counts.found++;
      } else {
        counts.others++;
        if (isDropped(document)) counts.lost++;
      }
    }
  }
  return counts;
}

/** {@link FilterQuality} as shares; NaN where a share is of nothing. */
export interface FilterRates {
  /** Of the negatives that were dropped, the share that are answers. */
  readonly precision: number;
  /** Of the answers among the negatives, the share that was dropped. */
  readonly recall: number;
  /** Of the true negatives, the share that was dropped. */
  readonly lost: number;
}

export function filterRates({ answers, found, others, lost }: FilterQuality): FilterRates {
  return { precision: found / (found + lost), recall: found / answers, lost: lost / others };
}
