import type { ListRecord } from '../corpus/types.ts';
import { sha256 } from '../host/sha256.ts';
import { readAnswers, withAnswers } from '../mining/answers.ts';
import { readGivenLabels, withGivenLabels } from '../mining/given-labels.ts';
import type { RuleInput } from '../mining/rules/contract.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { openPlace } from './recipe-lists.ts';
import type { EvidenceSettings } from './schema/evidence.ts';

/** A file of what rules read beside the teacher. */
export interface Evidence {
  readonly reads: RuleInput;
  /** SHA-256 of what it holds. */
  readonly hash: string;
  /** Puts it into lists. */
  readonly add: (lists: readonly ListRecord[]) => readonly ListRecord[];
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
    const labels = await readGivenLabels(await openPlace(place, corpus, files));
    found.push({
      reads: `${by}_label`,
      hash: await sha256(JSON.stringify([...labels].map(([query, ofQuery]) => [query, [...ofQuery]]))),
      add: (lists) => withGivenLabels(lists, labels, by).lists,
    });
  }
  if (answers !== undefined) {
    const known = await readAnswers(await openPlace(answers, corpus, files));
    found.push({
      reads: 'answers',
      hash: await sha256(JSON.stringify([...known])),
      add: (lists) => withAnswers(lists, known),
    });
  }
  return found;
}

export function withEvidence(
  lists: readonly ListRecord[],
  evidence: readonly Evidence[],
): readonly ListRecord[] {
  return evidence.reduce((known, { add }) => add(known), lists);
}
