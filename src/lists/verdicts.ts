import type { ListDocument, ListRecord } from '../corpus/types.ts';

/**
 * What a rule says of a passage: it stays; it is to go, and why; or the rule could not judge it, and why (it stays).
 * Verdicts of other origin, a person's or a model's, count as well if they begin with `drop`.
 */
export type Verdict = 'keep' | `drop: ${string}` | `skip: ${string}`;

/** Whether any verdict says that the passage is to go. */
export function isDropped({ verdicts }: Pick<ListDocument, 'verdicts'>): boolean {
  return Object.values(verdicts ?? {}).some((verdict) => verdict.startsWith('drop'));
}

export interface KeepReport {
  readonly lists: number;
  /** Lists of which nothing stayed. */
  readonly droppedLists: number;
  readonly passages: number;
  readonly droppedPassages: number;
}

/**
 * The step after the rules: leaves out the passages that a verdict drops, and lists of which nothing stays. What
 * stays keeps its verdicts.
 */
export function keepPassages(lists: readonly ListRecord[]): {
  readonly lists: readonly ListRecord[];
  readonly report: KeepReport;
} {
  const kept: ListRecord[] = [];
  let passages = 0;
  let all = 0;
  for (const list of lists) {
    const documents = list.documents.filter((document) => !isDropped(document));
    all += list.documents.length;
    passages += documents.length;
    if (documents.length === list.documents.length) kept.push(list);
    else if (documents.length > 0) kept.push({ ...list, documents });
  }
  return {
    lists: kept,
    report: {
      lists: kept.length,
      droppedLists: lists.length - kept.length,
      passages,
      droppedPassages: all - passages,
    },
  };
}

/** The passage without the verdicts whose name fits, by default without any. */
export function withoutVerdicts(
  document: ListDocument,
  fits: (rule: string) => boolean = () => true,
): ListDocument {
  if (document.verdicts === undefined) return document;
  const { verdicts, ...bare } = document;
  const others = Object.entries(verdicts).filter(([rule]) => !fits(rule));
  return others.length === 0 ? bare : { ...bare, verdicts: Object.fromEntries(others) };
}
