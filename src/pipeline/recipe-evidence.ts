import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { readAnswers, withAnswers } from '../lists/answers.ts';
import { readGivenLabels, withGivenLabels } from '../lists/given-labels.ts';
import type { PairNumbersReport } from '../lists/pair-numbers.ts';
import type { RuleInput } from '../lists/rules/contract.ts';
import type { MissingEvidence } from './lists-report.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { openPlace } from './recipe-lists.ts';
import type { EvidenceSettings } from './schema/evidence.ts';

/** A file of what rules read beside the teacher. */
export interface Evidence {
  readonly reads: RuleInput;
  /** SHA-256 of what it holds. */
  readonly hash: string;
  /** Puts it into lists. @throws InputError where it says something of none of them */
  readonly add: (lists: readonly ListRecord[]) => {
    readonly lists: readonly ListRecord[];
    /** How many it says nothing of. */
    readonly missing: MissingEvidence;
  };
}

/** Reads the files of labels and answers that a recipe names. @throws InputError naming the file and the line */
export async function readEvidence(
  { modelLabels, handLabels, answers }: EvidenceSettings,
  corpus: RecipeCorpus,
  files: RecipeFiles,
): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  for (const [place, by] of [
    [modelLabels, 'model'],
    [handLabels, 'hand'],
  ] as const) {
    if (place === undefined) continue;
    const source = await openPlace(place, corpus, files);
    const labels = await readGivenLabels(source);
    found.push({
      reads: `${by}_label`,
      hash: await sha256(JSON.stringify([...labels].map(([query, ofQuery]) => [query, [...ofQuery]]))),
      add: (lists) => {
        const labeled = withGivenLabels(lists, labels, by);
        requirePairs(labeled.report, source.name, 'label');
        const missing = { file: source.name, count: labeled.report.missing, of: 'passages' } as const;
        return { lists: labeled.lists, missing };
      },
    });
  }
  if (answers !== undefined) {
    const source = await openPlace(answers, corpus, files);
    const known = await readAnswers(source);
    found.push({
      reads: 'answers',
      hash: await sha256(JSON.stringify([...known])),
      add: (lists) => {
        const count = lists.filter(({ query_id }) => !known.has(query_id)).length;
        if (count === lists.length) {
          throw new InputError('has no answer to any of the queries', {
            file: source.name,
            remedy: 'Use the query ids of the lists',
          });
        }
        return { lists: withAnswers(lists, known), missing: { file: source.name, count, of: 'lists' } };
      },
    });
  }
  return found;
}

/** @throws InputError if a file of numbers for pairs is not about the lists */
export function requirePairs({ found }: PairNumbersReport, file: string, what: 'score' | 'label'): void {
  if (found > 0) return;
  throw new InputError('none of its pairs are in the lists', {
    file,
    remedy: `Use ${what}s of the query and document ids of the lists`,
  });
}

/** The lists with all evidence, and what some of it says nothing of. */
export function withEvidence(
  given: readonly ListRecord[],
  evidence: readonly Evidence[],
): { readonly lists: readonly ListRecord[]; readonly missing: readonly MissingEvidence[] } {
  const missing: MissingEvidence[] = [];
  let lists = given;
  for (const { add } of evidence) {
    const added = add(lists);
    lists = added.lists;
    if (added.missing.count > 0) missing.push(added.missing);
  }
  return { lists, missing };
}
