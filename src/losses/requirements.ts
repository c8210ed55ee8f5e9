import { quoted } from '../core/shown.ts';
import { isPositive } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';
import { readsTeacherVectors, type LossSpec, type LossTerm } from './loss-spec.ts';

/** Passages that some loss will not learn from, though their lists may be used. */
export interface ListGaps {
  /** In lists of a loss that reads teacher scores. */
  readonly withoutTeacher: number;
  /** Lists in which no passage has a grade above 0, of a loss that reads grades, and the query of the first. */
  readonly ungraded: { readonly lists: number; readonly first: string } | undefined;
}

/** One line for each thing that a user should know. */
export function gapWarnings({ ungraded }: ListGaps): string[] {
  if (ungraded === undefined) return [];
  return [
    `training lists without a label above 0, such as that of query ${quoted(ungraded.first)}, from which a loss on ` +
      `grades learns that all passages are equally relevant: ${ungraded.lists}`,
  ];
}

/**
 * Checks that training lists hold what the losses read, before anything is computed.
 *
 * @param level the lowest label that makes a passage a positive; any above 0 by default.
 * @param file names the lists in errors.
 * @throws InputError naming the first query whose list does not fit.
 */
export function checkLists(
  spec: LossSpec,
  lists: readonly ListRecord[],
  options: { readonly level?: number | undefined; readonly file?: string } = {},
): ListGaps {
  for (const list of lists) {
    for (const term of spec.terms) {
      const fault = faultOf(term, list, options.level);
      if (fault === undefined) continue;
      throw new InputError(
        `query '${list.query_id}': ${fault.problem}, which ${term.definition.name} needs`,
        {
          remedy: fault.remedy,
          file: options.file,
        },
      );
    }
  }
  const readsTeacher = spec.terms.some(
    (term) => term.definition.needs.includes('teacher') && !readsTeacherVectors(term),
  );
  let withoutTeacher = 0;
  for (const { documents } of lists) {
    if (readsTeacher) withoutTeacher += documents.filter(({ teacher }) => teacher === undefined).length;
  }
  const readsGrades = spec.terms.some((term) => term.definition.needs.includes('labels'));
  const ungraded = readsGrades
    ? lists.filter(({ documents }) => !documents.some(({ label = 0 }) => label > 0))
    : [];
  const [first] = ungraded;
  return {
    withoutTeacher,
    ungraded: first === undefined ? undefined : { lists: ungraded.length, first: first.query_id },
  };
}

interface Fault {
  readonly problem: string;
  readonly remedy: string;
}

function faultOf(term: LossTerm, { documents }: ListRecord, level: number | undefined): Fault | undefined {
  const { definition, mask } = term;
  const needs = definition.needs.filter((need) => need !== 'teacher' || !readsTeacherVectors(term));
  const positive = documents.find((document) => isPositive(document, level));
  if (needs.includes('positive') && positive === undefined) {
    return { problem: 'no passage is labeled positive', remedy: 'Set a label above 0 for the positive' };
  }
  if (needs.includes('labels')) {
    const bare = documents.find(({ label }) => label === undefined);
    if (bare) {
      return {
        problem: `passage '${bare.id}' has no label`,
        remedy: 'Set a label for every passage, 0 for not relevant',
      };
    }
  }
  const readsMask = mask.share !== null || mask.margin !== null;
  if (needs.includes('teacher') && documents.filter(({ teacher }) => teacher !== undefined).length < 2) {
    return {
      problem: 'fewer than two passages have a teacher score',
      remedy: 'Use lists with teacher scores (`retriever-studio filter --teacher`)',
    };
  }
  if (needs.includes('teacher') && needs.includes('positive') && positive?.teacher === undefined) {
    return {
      problem: 'the positive has no teacher score',
      remedy: 'Use lists with teacher scores (`retriever-studio filter --teacher`)',
    };
  }
  if (readsMask && positive?.teacher === undefined) {
    return {
      problem: 'the positive has no teacher score for the mask',
      remedy: 'Use lists with teacher scores, or remove mask',
    };
  }
  if (mask.share !== null && positive?.teacher !== undefined && positive.teacher < 0) {
    return {
      problem: `the positive's teacher score is ${positive.teacher}, and mask needs one that is 0 or more`,
      remedy: 'Use teacher scores scaled to 0 to 1, or maskMargin',
    };
  }
  return undefined;
}
