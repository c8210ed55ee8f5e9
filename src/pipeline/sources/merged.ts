import * as v from 'valibot';
import { textKey } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';
import { derivedLists } from '../lists-report.ts';
import { described, name } from '../schema/parts.ts';
import { defineSource, sourceStage, type ExpectedLists, type PreparedSource } from '../source.ts';

/** One list for each query of several sources, or all their lists. */
export const merged = defineSource({
  schema: v.strictObject({
    kind: v.literal('merged'),
    of: described(
      v.pipe(v.array(name), v.minLength(2)),
      'Sources whose lists of the same query are merged; a passage in several sources is attributed to the first.',
    ),
    join: described(
      v.optional(v.boolean(), true),
      'false: lists are concatenated without merging, so that a query has one list per source.',
    ),
  }),
  parts: ({ of }) => of.map((name, i) => ({ name, path: ['of', i] })),
  // A source of merged ones could be one of its own parts.
  partKinds: { what: 'unmerged source', includes: (kind) => kind !== 'merged' },
  prepare: async (name, { of, join }, context) => {
    const parts: PreparedSource[] = [];
    for (const part of of) parts.push(await context.source(part));
    const stages = parts.map(({ lists }) => lists);
    const lists = await sourceStage(name, {
      inputs: { merged: stages.map(({ key }) => key), ...(!join && { join }) },
      needs: stages,
      run: async (workshop) => {
        const all: (readonly ListRecord[])[] = [];
        let recorded = false;
        for (const stage of stages) {
          all.push(await workshop.listsOf(stage));
          recorded ||= (await workshop.resultOf(stage)).value.recorded;
        }
        return derivedLists(join ? mergeLists(all) : all.flat(), recorded);
      },
    });
    return { lists, expected: expectedOf(parts, join) };
  },
});

function expectedOf(parts: readonly PreparedSource[], join: boolean): ExpectedLists {
  const [first] = parts as readonly [PreparedSource];
  const sum = (of: 'lists' | 'passages' | 'positives'): number =>
    parts.reduce((total, { expected }) => total + expected[of], 0);
  if (join) return { ...first.expected, passages: sum('passages') };
  return { ...first.expected, lists: sum('lists'), passages: sum('passages'), positives: sum('positives') };
}

/** Lists of the same query joined; a passage that two have, by id or by text, counts for the first. */
function mergeLists(sources: readonly (readonly ListRecord[])[]): ListRecord[] {
  const joined = new Map<string, { record: ListRecord; documents: ListDocument[]; seen: Set<string> }>();
  for (const list of sources.flat()) {
    const known = joined.get(list.query_id) ?? { record: list, documents: [], seen: new Set<string>() };
    joined.set(list.query_id, known);
    for (const document of list.documents) {
      const [id, text] = [`id ${document.id}`, `text ${textKey(document.text)}`];
      if (known.seen.has(id) || known.seen.has(text)) continue;
      known.seen.add(id).add(text);
      known.documents.push(document);
    }
  }
  return [...joined.values()].map(({ record, documents }) => ({ ...record, documents }));
}
