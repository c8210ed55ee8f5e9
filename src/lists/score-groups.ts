import type { ListDocument, ListRecord } from '../corpus/types.ts';

export const scoreGroupNames = ['query', 'source', 'file'] as const;

/**
 * Whose scores are measured together: each query's; those of lists whose candidates come from the same sources; all
 * of the file; or those of lists for which a function gives the same name (say, the type of a generated query).
 */
export type ScoreGroup = (typeof scoreGroupNames)[number] | ((list: ListRecord) => string);

/** The name of the group that a list belongs to. */
export function groupOf(list: ListRecord, group: ScoreGroup): string {
  if (typeof group === 'function') return group(list);
  if (group === 'file') return '';
  return group === 'query' ? list.query_id : sourcesOf(list);
}

/** Where a list's passages come from, gold ones aside. */
function sourcesOf({ documents }: ListRecord): string {
  const sources = new Set(documents.map(({ source }) => source));
  sources.delete('gold');
  return JSON.stringify([...sources].sort());
}

/** The scores of each group, ascending. Passages without a score are left out, and groups without any. */
export function scoresByGroup<List extends { readonly documents: readonly ListDocument[] }>(
  lists: readonly List[],
  groupName: (list: List) => string,
  scoreOf: (document: ListDocument) => number | undefined,
): ReadonlyMap<string, Float64Array> {
  const scores = new Map<string, number[]>();
  for (const list of lists) {
    const name = groupName(list);
    const known = scores.get(name) ?? [];
    for (const document of list.documents) {
      const score = scoreOf(document);
      if (score !== undefined) known.push(score);
    }
    if (known.length > 0) scores.set(name, known);
  }
  return new Map([...scores].map(([name, values]) => [name, Float64Array.from(values).sort()]));
}
